// SPDX-License-Identifier: MIT
import type { ConfigEdits, HistoryEntry } from '../images/commit/edit-config';
import { optionText, texts } from './image-arguments';
import { Usage, type Options, type Parsed } from './stack-arguments';

/** What can be changed of a configuration. */
export const EDITS: Options = {
  entrypoint: { type: 'string' },
  cmd: { type: 'string' },
  env: { type: 'string', multiple: true },
  label: { type: 'string', multiple: true },
  user: { type: 'string' },
  workdir: { type: 'string' },
  author: { type: 'string' },
  message: { type: 'string', short: 'm' },
};

/** A list of words as JSON has it, or one word alone; nothing takes the list away. */
function words(parsed: Parsed, option: string): string[] | undefined {
  const value = optionText(parsed, option);
  if (value === undefined || value === '') return value === undefined ? undefined : [];
  if (!value.startsWith('[')) return [value];
  try {
    const list: unknown = JSON.parse(value);
    if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list;
  } catch {
    // Told below.
  }
  throw new Usage(`--${option} is no list of words: write '["/bin/sh","-c"]', or one word`);
}

export function editsOf(parsed: Parsed): ConfigEdits {
  const found = {
    entrypoint: words(parsed, 'entrypoint'),
    command: words(parsed, 'cmd'),
    environment: texts(parsed, 'env'),
    labels: texts(parsed, 'label'),
    user: optionText(parsed, 'user'),
    workingDirectory: optionText(parsed, 'workdir'),
    author: optionText(parsed, 'author'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as ConfigEdits;
}

/** SOURCE_DATE_EPOCH in seconds, for builds that are the same every time (reproducible-builds.org); null without. */
export function sourceDate(environment = process.env): number | null {
  const found = environment['SOURCE_DATE_EPOCH'];
  if (found === undefined || found === '') return null;
  if (!/^\d{1,11}$/.test(found)) throw new Usage(`SOURCE_DATE_EPOCH is not a number of seconds: ${found}`);
  return Number(found);
}

/** What the history says of a change. */
export function stepOf(parsed: Parsed, command: string): HistoryEntry {
  const date = sourceDate();
  const created = date === null ? new Date() : new Date(date * 1000);
  const message = optionText(parsed, 'message');
  const author = optionText(parsed, 'author');
  return {
    created: created.toISOString().replace('.000Z', 'Z'),
    created_by: command,
    ...(author ? { author } : {}),
    ...(message ? { comment: message } : {}),
  };
}
