// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { formatSize } from '@shared/format-size';
import type { Image, ImageLayer } from '@shared/images';
import { optionString } from '../commands/option-string';
import { printPlatform } from '../images/platforms';
import { needed, openStore, parseImage, text, titleOf } from './image-arguments';
import { printBytes, printColumns, printJson, printText } from './print';

/** Digits of an id that a person is shown, as podman and docker do. */
const SHORT = 12;
const shortOf = (digest: string): string => digest.slice(digest.indexOf(':') + 1).slice(0, SHORT);

/** `lamina image ls`: an image a line for each of its names. */
export async function listImages(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, 0);
  const images = (await openStore(parsed)).images();
  if (parsed.values['json']) return printJson(images.map(listed));
  const rows = images.flatMap((image) =>
    (image.references.length > 0 ? image.references : ['<none>']).map((name) => [
      name,
      shortOf(image.id),
      printPlatform(image.platform),
      String(image.layers.length),
      formatSize(image.diskBytes),
      formatSize(image.sharedBytes),
      image.created?.slice(0, 10) ?? '-',
    ]),
  );
  rows.sort(([a], [b]) => (a! < b! ? -1 : 1));
  printColumns([['NAME', 'ID', 'PLATFORM', 'LAYERS', 'SIZE', 'SHARED', 'CREATED'], ...rows], [3, 4, 5]);
}

const listed = ({ layers, config: _, ...image }: Image): object => ({ ...image, layers: layers.length });

const shownLayer = (layer: ImageLayer): object => ({ ...layer, folder: display(layer.folder) });

/** `lamina image inspect`: all that is known of an image, or the exact bytes of its documents. */
export async function inspectImage(args: readonly ByteString[]): Promise<void> {
  const flags = { manifest: { type: 'boolean' }, config: { type: 'boolean' } } as const;
  const parsed = parseImage(args, flags, 1);
  const [name] = needed(parsed, 'IMAGE');
  const store = await openStore(parsed);
  const image = store.image(text(name!, 'IMAGE'));
  const { values } = parsed;
  if (values['manifest']) return printText(store.documents(image).manifest.toString('utf8'));
  if (values['config']) return printText(store.documents(image).config.toString('utf8'));
  if (values['json']) return printJson({ ...image, layers: image.layers.map(shownLayer) });
  printImage(image);
}

function printImage(image: Image): void {
  const { config } = image;
  const lines: [string, string][] = [
    ['image', titleOf(image)],
    ...image.references.slice(1).map((name): [string, string] => ['also', name]),
    ['digest', image.digest],
    ['id', image.id],
    ['platform', printPlatform(image.platform)],
    ['created', image.created ?? ''],
    ['from', image.source],
    ['on disk', `${formatSize(image.diskBytes)}, ${formatSize(image.sharedBytes)} of it shared`],
    ['entrypoint', jsonOf(config.entrypoint)],
    ['command', jsonOf(config.command)],
    ...config.environment.map((variable): [string, string] => ['env', variable]),
    ['workdir', config.workingDirectory],
    ['user', config.user],
    ...Object.entries(config.labels).map(([key, value]): [string, string] => ['label', `${key}=${value}`]),
    ...config.exposedPorts.map((port): [string, string] => ['port', port]),
    ...config.volumes.map((volume): [string, string] => ['volume', volume]),
    ['author', config.author],
  ];
  printColumns(lines.filter(([, value]) => value !== '').map(([key, value]) => [key, oneLine(value)]));
  printText('layers, the lowest first:');
  for (const layer of image.layers) {
    const size = layer.diskBytes ?? layer.tarBytes ?? layer.blobBytes;
    printText(`  ${layer.diffId}  ${formatSize(size).padStart(6)}  ${display(layer.folder)}`);
    if (layer.createdBy !== '') printText(`    ${oneLine(layer.createdBy)}`);
  }
}

const jsonOf = (words: readonly string[]): string => (words.length > 0 ? JSON.stringify(words) : '');
/** What an image says of itself cannot draw on the terminal. */
const oneLine = (value: string): string => value.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();

/** `lamina image layers`: the stack of an image, as `-o` takes it. */
export async function imageLayers(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, 1);
  const [name] = needed(parsed, 'IMAGE');
  const store = await openStore(parsed);
  const image = store.image(text(name!, 'IMAGE'));
  if (parsed.values['json']) return printJson(image.layers.map(shownLayer));
  printBytes(optionString(stackOfImage(image, store.record(image.digest).form !== 'real')));
}

/** The layers of an image as a stack, the topmost first. */
export function stackOfImage(
  { layers }: Pick<Image, 'layers'>,
  userxattr: boolean,
): Parameters<typeof optionString>[0] {
  const lowers = layers.map(({ folder }, i) => ({ id: `layer-${i + 1}`, path: folder })).reverse();
  return { upper: null, lowers, data: [], options: userxattr ? { userxattr: true } : {} };
}
