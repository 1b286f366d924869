// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { formatSize } from '@shared/format-size';
import { checkStore } from '../images/store/check';
import type { GarbagePlan } from '../images/store/garbage';
import { cancellable } from './cancellable';
import { needed, openStore, parseImage, text, titleOf } from './image-arguments';
import { plural, printJson, printText, warn } from './print';

/** `lamina image rm`: takes an image's names away; `gc` gives the room back. */
export async function removeImages(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, Infinity);
  needed(parsed, 'IMAGE');
  const store = await openStore(parsed);
  for (const name of parsed.positionals) {
    const image = await store.remove(text(name, 'IMAGE'));
    if (!parsed.values['json']) printText(`${image.digest}  ${titleOf(image)}`);
  }
  warn('note: the layers are there until they are collected: lamina image gc');
}

/** `lamina image tag`. */
export async function tagImage(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, Infinity);
  const [image, ...names] = needed(parsed, 'IMAGE', 'NAME');
  const store = await openStore(parsed);
  for (const name of names) printText(await store.tag(text(image!, 'IMAGE'), text(name, 'NAME')));
}

/** `lamina image untag`. */
export async function untagImage(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, Infinity);
  const names = needed(parsed, 'NAME');
  const store = await openStore(parsed);
  for (const name of names) await store.untag(text(name, 'NAME'));
}

function printPlan({ images, layers, blobs, partials, inUse, bytes }: GarbagePlan): void {
  for (const digest of images) printText(`image ${digest}`);
  for (const layer of layers) printText(`layer ${layer.name} (${layer.form}) ${formatSize(layer.bytes)}`);
  for (const blob of blobs) printText(`blob ${blob.digest} ${formatSize(blob.bytes)}`);
  for (const partial of partials) printText(`interrupted ${partial.name} ${formatSize(partial.bytes)}`);
  for (const { folder, by } of inUse) printText(`in use, stays: ${display(folder)} (${display(by)})`);
  printText(bytes === 0 ? 'Nothing is to be collected.' : `In all ${formatSize(bytes)}.`);
}

/** `lamina image gc`: says what no name leads to; with `--yes` it goes. */
export async function collectGarbage(args: readonly ByteString[]): Promise<void> {
  const flags = { 'dry-run': { type: 'boolean' }, yes: { type: 'boolean', short: 'y' } } as const;
  const parsed = parseImage(args, flags, 0);
  const store = await openStore(parsed);
  const plan = store.garbage();
  if (parsed.values['json']) printJson(plan);
  else printPlan(plan);
  if (parsed.values['dry-run'] || isEmpty(plan)) return;
  if (!parsed.values['yes']) {
    warn('Nothing was removed. Add --yes to do it.');
    process.exitCode = 1;
    return;
  }
  await cancellable(() => store.collect(plan));
}

const isEmpty = ({ images, layers, blobs, partials }: GarbagePlan): boolean =>
  images.length + layers.length + blobs.length + partials.length === 0;

/** `lamina image check`: looks at all of the store, and says what is wrong and what ends it. */
export async function checkImages(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, 0);
  const store = await openStore(parsed);
  const report = await cancellable((signal) => checkStore(store, signal));
  const { defects, images, layers, blobs } = report;
  if (parsed.values['json']) printJson(report);
  else {
    for (const { about, message, cure } of defects) printText(`${display(about)}: ${message}\n  ${cure}`);
    const found = defects.length === 0 ? 'all as it should be' : plural(defects.length, 'defect');
    printText(`${plural(images, 'image')}, ${plural(layers, 'layer')}, ${plural(blobs, 'blob')}: ${found}.`);
  }
  if (defects.length > 0) process.exitCode = 1;
}
