// SPDX-License-Identifier: MIT
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { display, type ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import { Failure } from '@shared/failure';
import { OPTION_SPECS } from '@shared/options';
import { parseMountOptions } from '../commands/parse-options';
import { workingDirectory } from './arguments';
import { warn } from './print';

/** Wrong usage: exit status 2. */
export class Usage extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;
export const JSON_FLAG: Options = { json: { type: 'boolean' } };
export const STACK: Options = { options: { type: 'string', short: 'o', multiple: true } };

export interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly ByteString[];
}

export function parse(args: readonly ByteString[], options: Options, most: number): Parsed {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length > most) throw new Usage(`too many arguments: ${display(positionals.slice(most).join(' '))}`);
    return { values, positionals };
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage((error as Error).message.split('. ')[0]);
  }
}

/** What a FUSE mount takes on top of mount(8)'s words. */
const isFuseWord = (word: ByteString): boolean => word === 'allow_other' || word.startsWith('fsname=');

/** The composition of the `-o` texts, and mount(8)'s own words among them. */
export function stackFrom(
  values: Parsed['values'],
  mountpoint: ByteString | null,
): { composition: Composition; other: readonly string[] } {
  const texts = values['options'] as ByteString[] | undefined;
  if (!texts) throw new Usage('-o OPTIONS is missing');
  const parsed = parseMountOptions(texts.join(','), workingDirectory());
  const unknown = parsed.unknown.filter((word) => !isFuseWord(word));
  if (unknown.length > 0) {
    const known = OPTION_SPECS.map((spec) => spec.name).join(', ');
    const hint = `Lamina takes lowerdir, lowerdir+, datadir+, upperdir, workdir, ${known}, and the words of mount(8).`;
    throw new Failure('EINVAL', `Unknown mount option ${display(unknown[0]!)}.`, hint);
  }
  for (const item of parsed.ignored) warn(`note: ${display(item)} has no effect: there is no upperdir`);
  const name =
    mountpoint === null ? 'overlay' : display(mountpoint.slice(mountpoint.lastIndexOf('/') + 1)) || 'overlay';
  const { upper, lowers, data, options } = parsed;
  const other = [...parsed.other, ...parsed.unknown];
  return {
    composition: { id: 'command-line', name: name.slice(0, 200), upper, lowers, data, options, mountpoint },
    other,
  };
}

export const absolute = (path: ByteString): ByteString =>
  path.startsWith('/') ? path : `${workingDirectory()}/${path}`;

export function required(positionals: readonly ByteString[], what: string): ByteString {
  if (positionals[0] === undefined) throw new Usage(`${what} is missing`);
  return positionals[0];
}

/**
 * A path of the merged tree, without `.` and `..`, which no lookup takes: `..` is undone as text, since an explanation
 * stops at a symbolic link anyway. Bytes that are not UTF-8 stay as they are.
 */
export function treePath(typed: ByteString): ByteString {
  const names: ByteString[] = [];
  for (const name of typed.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
