// SPDX-License-Identifier: MIT
import { display, textOf, type ByteString } from '@shared/bytes';
import type { Image } from '@shared/images';
import { parseImageName, printImageName, withDefaultTag } from '../images/image-name';
import type { LayerUse } from '../images/store/garbage';
import { Store } from '../images/store/store';
import { compositionOf } from '../mounts/composition-of';
import { listMounts } from '../mounts/list';
import { absolute, JSON_FLAG, parse, Usage, type Options, type Parsed } from './stack-arguments';

/** What all commands for images take. */
const COMMON: Options = { ...JSON_FLAG, store: { type: 'string' } };
export const QUIET: Options = { quiet: { type: 'boolean', short: 'q' } };
export const NAMES: Options = { name: { type: 'string', multiple: true } };
export const FORMAT: Options = { format: { type: 'string' }, compression: { type: 'string' } };

/** The arguments of a command for images. */
export const parseImage = (args: readonly ByteString[], options: Options, most: number): Parsed =>
  parse(args, { ...COMMON, ...options }, most);

/** The store of `--store`, of LAMINA_STORE, or the user's own. */
export async function openStore({ values }: Parsed): Promise<Store> {
  const folder = values['store'] as ByteString | undefined;
  const uses = await mountedLayers();
  return Store.open(folder === undefined ? undefined : absolute(folder), { inUse: () => uses });
}

/** Layers that live mounts of Lamina's stand on. */
async function mountedLayers(): Promise<LayerUse[]> {
  const mounts = await listMounts();
  return mounts.flatMap((mount) =>
    compositionOf(mount).lowers.map(({ path }) => ({ folder: path, by: mount.display })),
  );
}

/** An argument that is text. Throws a Usage for bytes that are none. */
export function text(bytes: ByteString, what: string): string {
  const found = textOf(bytes);
  if (found === null) throw new Usage(`${what} ${display(bytes)} is not UTF-8`);
  return found;
}

/** The texts of an option that may be given several times; undefined where it is not given. */
export function texts({ values }: Parsed, option: string): string[] | undefined {
  return (values[option] as ByteString[] | undefined)?.map((each) => text(each, `--${option}`));
}

/** The full names that `--name` gives to an image; undefined where it is not given. */
export const givenNames = (parsed: Parsed): string[] | undefined =>
  texts(parsed, 'name')?.map((name) => printImageName(withDefaultTag({ ...parseImageName(name), digest: null })));

/** The text of an option. */
export function optionText({ values }: Parsed, option: string): string | undefined {
  const found = values[option] as ByteString | undefined;
  return found === undefined ? undefined : text(found, `--${option}`);
}

/** One of the words that an option takes. */
export function choice<T extends string>(parsed: Parsed, option: string, words: readonly T[]): T | undefined {
  const found = optionText(parsed, option);
  if (found === undefined || words.includes(found as T)) return found as T | undefined;
  throw new Usage(`--${option} is one of ${words.join(', ')}`);
}

/** The arguments that must be there, by their names in the help. */
export function needed({ positionals }: Parsed, ...names: string[]): ByteString[] {
  const missing = names[positionals.length];
  if (missing !== undefined) throw new Usage(`${missing} is missing`);
  return [...positionals];
}

/** What an image is called in messages: its first name, or its digest. */
export const titleOf = ({ references, digest }: Pick<Image, 'references' | 'digest'>): string =>
  references[0] ?? digest;
