// SPDX-License-Identifier: MIT
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { ByteString } from '@shared/bytes';
import { absolute, atMost, Usage } from './program';
import { readStackOptions, type StackOptions } from './stack-options';

export { absolute, Usage };

export type Options = NonNullable<ParseArgsConfig['options']>;
export const JSON_FLAG: Options = { json: { type: 'boolean' } };
export const STACK: Options = { options: { type: 'string', short: 'o', multiple: true } };

export interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly ByteString[];
}

export function parse(args: readonly ByteString[], options: Options, most: number): Parsed {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    atMost(positionals, most);
    return { values, positionals };
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage((error as Error).message.split('. ')[0]);
  }
}

/** The composition of the `-o` texts, and mount(8)'s own words among them. */
export function stackFrom(values: Parsed['values'], mountpoint: ByteString | null): StackOptions {
  const texts = values['options'] as ByteString[] | undefined;
  if (!texts) throw new Usage('-o OPTIONS is missing');
  return readStackOptions(texts, mountpoint);
}

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
