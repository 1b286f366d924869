// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { CI_RULES, DEFAULT_THRESHOLDS, type CiThresholds } from './ci-rules';

/** The file that dive looks for in the working directory. */
export const CI_FILE = '.dive-ci';

/**
 * The thresholds of a `.dive-ci` file: what it does not name is dive's default, and the rules of dive's plugins are
 * passed over, as dive does.
 * @param optional where the file need not be there: null then
 * @throws Failure that names the file
 */
export async function readCiFile(path: ByteString, optional: boolean): Promise<CiThresholds | null> {
  let text: string;
  try {
    text = await readFile(Buffer.from(path, 'latin1'), 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    if (optional && code === 'ENOENT') return null;
    throw new Failure(code, `${display(path)} cannot be read (${code}).`, 'Check the path of the rules file.');
  }
  return parseCiFile(text, display(path));
}

/** @param name of the file, for messages */
export function parseCiFile(text: string, name: string): CiThresholds {
  const bad = (why: string): Failure =>
    new Failure(
      'bad-rules',
      `${name}: ${why}.`,
      'Write “rules:”, and below it lowestEfficiency, highestWastedBytes or highestUserWastedPercent.',
    );
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw bad(error instanceof Error ? error.message.split('\n', 1)[0]! : String(error));
  }
  if (content === null) return DEFAULT_THRESHOLDS;
  if (!isMap(content)) throw bad('it is not a map');
  const rules = content['rules'] ?? {};
  if (!isMap(rules)) throw bad('“rules” is not a map');
  const thresholds: Record<string, string> = { ...DEFAULT_THRESHOLDS };
  for (const rule of CI_RULES) {
    const value = rules[rule];
    if (value === undefined || value === null) continue;
    if (typeof value === 'object') throw bad(`“${rule}” is not a single value`);
    thresholds[rule] = String(value);
  }
  return thresholds as unknown as CiThresholds;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
