// SPDX-License-Identifier: MIT
import { unlink } from 'node:fs/promises';
import { display, type ByteString } from '@shared/bytes';
import { stackOf, type Composition } from '@shared/composition';
import { Failure } from '@shared/failure';
import { engineOptions, type EngineOptions } from '@shared/lamina-options';
import type { Image } from '@shared/images';
import { nodePath } from '../images/destinations/fresh-file';
import { imageBelow } from '../images/commit/base-of';
import { commitImage, type ImageRequest, type LayerRequest } from '../images/commit/commit-image';
import type { LayerRange } from '../images/commit/range';
import { importImage } from '../images/import';
import type { Store } from '../images/store/store';
import { StoredImage } from '../images/stored-image';
import { TransferMeter } from '../images/transfer-meter';
import { withReadableUpper } from '../mounts/upper-use';
import { EDITS, editsOf, sourceDate, stepOf } from './image-edits';
import {
  choice,
  NAMES,
  needed,
  openStore,
  optionText,
  parseImage,
  QUIET,
  text,
  givenNames,
  titleOf,
} from './image-arguments';
import { stackOfImage } from './image-list';
import { transferring } from './image-transfer';
import { printJson, printText, warn } from './print';
import { STACK, stackFrom, Usage, type Options, type Parsed } from './stack-arguments';

const OUTPUT: Options = { ...NAMES, ...QUIET, ...EDITS, compression: { type: 'string' } };

/** A stack's part that becomes a layer, and the image that it stands on. */
interface Part {
  readonly subject: LayerRequest['subject'];
  readonly options: EngineOptions;
  readonly range: LayerRange;
  readonly base: Image | null;
  /** How many layers of the base stay. */
  readonly kept: number;
}

/** Makes an image, puts it into the store, and tells its digest. */
async function make(parsed: Parsed, store: Store, part: Part | Image, command: string): Promise<void> {
  const hold = await store.hold();
  const file = store.layout.newTemporary();
  try {
    const image = await transferring(parsed, async (signal, onProgress) => {
      const meter = new TransferMeter(onProgress);
      const item = meter.item('the new layer', 'layer', null);
      item.start();
      let told = 0;
      const built = await commitImage({
        ...(await requestOf(parsed, store, part, file)),
        edits: editsOf(parsed),
        step: stepOf(parsed, command),
        references: givenNames(parsed) ?? [],
        note: warn,
        signal,
        onProgress(bytes, entries) {
          item.setFiles(entries);
          item.addBytes(bytes - told);
          told = bytes;
        },
      });
      return importImage(store, built, { platform: built.platform, signal, onProgress });
    });
    if (parsed.values['json']) printJson(image);
    else printText(`${image.digest}  ${titleOf(image)}`);
  } finally {
    await unlink(nodePath(file)).catch(() => {});
    hold.release();
  }
}

async function requestOf(
  parsed: Parsed,
  store: Store,
  part: Part | Image,
  file: ByteString,
): Promise<Pick<ImageRequest, 'base' | 'kept' | 'layer'>> {
  const baseOf = async (image: Image): Promise<NonNullable<ImageRequest['base']>> => {
    const source = new StoredImage(store, image);
    return { source, manifest: await source.root() };
  };
  if (!('range' in part)) return { base: await baseOf(part), kept: part.layers.length, layer: null };
  const { subject, options, range, base, kept } = part;
  const packing = choice(parsed, 'compression', ['gzip', 'zstd']) ?? 'gzip';
  return {
    base: base && (await baseOf(base)),
    kept,
    layer: { subject, options, range, packing, file, newest: sourceDate() },
  };
}

/** `lamina image commit`: the upper, or a range of the stack, as a new layer on the image below it. */
export async function commitCommand(args: readonly ByteString[]): Promise<void> {
  const flags: Options = {
    ...STACK,
    ...OUTPUT,
    base: { type: 'string' },
    layers: { type: 'string' },
    live: { type: 'boolean' },
  };
  const parsed = parseImage(args, flags, 0);
  const { composition, whiteouts } = stackFrom(parsed.values, null);
  const store = await openStore(parsed);
  const base = baseFor(parsed, store, composition);
  const options = { ...engineOptions(composition), whiteouts };
  const range = rangeFor(parsed, composition, base);
  const part = { subject: composition, options, range, base, kept: base?.layers.length ?? 0 };
  const work = (): Promise<void> => make(parsed, store, part, 'lamina image commit');
  if (!composition.upper || range.top > 0) return work();
  await withReadableUpper(composition.upper.path, parsed.values['live'] === true, warn, work);
}

const NO_BASE = 'scratch';

/** The image that the new layer stands on: what `--base` says, or the one whose layers the stack has. */
function baseFor(parsed: Parsed, store: Store, composition: Composition): Image | null {
  const name = optionText(parsed, 'base');
  if (name === NO_BASE) return null;
  if (name !== undefined) return store.image(name);
  const found = imageBelow(store.images(), composition);
  if (found) return found;
  throw new Failure(
    'no-base',
    'No image of the store has the layers at the bottom of the stack.',
    'Name the image that they are of with --base IMAGE, or put all of them into one layer with --base scratch.',
  );
}

/** By default all above the layers of the base; with an unknown base, the upper. */
function rangeFor(parsed: Parsed, composition: Composition, base: Image | null): LayerRange {
  const layers = stackOf(composition).filter(({ lane }) => lane !== 'data');
  const letters = optionText(parsed, 'layers');
  if (letters !== undefined) {
    const [top, bottom = top] = letters.split('-').map((letter) => layers.findIndex((each) => each.letter === letter));
    if (top === undefined || top < 0 || bottom! < top) throw new Usage(`--layers is TOP-BOTTOM, as U-A: ${letters}`);
    return { top, bottom: bottom! };
  }
  if (!base) return { top: 0, bottom: layers.length - 1 };
  const isOnTop = imageBelow([base], composition) !== null;
  if (isOnTop && layers.length > base.layers.length) return { top: 0, bottom: layers.length - base.layers.length - 1 };
  if (isOnTop) throw new Failure('EINVAL', 'The stack has nothing above its image.', 'Add an upper or a layer.');
  warn(`note: that the layers below are those of ${titleOf(base)} is taken on trust`);
  return { top: 0, bottom: 0 };
}

/** `lamina image squash`: all layers of an image, or those from one on, as a single one. */
export async function squashCommand(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, { ...OUTPUT, from: { type: 'string' } }, 1);
  const [name] = needed(parsed, 'IMAGE');
  const store = await openStore(parsed);
  const base = store.image(text(name!, 'IMAGE'));
  const from = Number(optionText(parsed, 'from') ?? '1');
  const count = base.layers.length;
  if (!Number.isInteger(from) || from < 1 || from > count) throw new Usage(`--from is a layer, 1 to ${count}`);
  const userxattr = store.record(base.digest).form !== 'real';
  const part: Part = {
    subject: stackOfImage(base, userxattr),
    options: { metacopy: true, redirectDir: 'on', userxattr },
    range: { top: 0, bottom: count - from },
    base,
    kept: from - 1,
  };
  await make(parsed, store, part, `lamina image squash --from ${from}`);
}

/** `lamina image config`: the same layers with another configuration. */
export async function configCommand(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, OUTPUT, 1);
  const [name] = needed(parsed, 'IMAGE');
  const store = await openStore(parsed);
  const image = store.image(text(name!, 'IMAGE'));
  const edits = editsOf(parsed);
  if (Object.keys(edits).length === 0)
    throw new Usage(`nothing is changed of ${display(titleOf(image))}: --user, --env, …`);
  await make(parsed, store, image, `lamina image config ${Object.keys(edits).join(' ')}`);
}
