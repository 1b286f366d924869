// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { perform } from './kill-program.mjs';

/** What a program did until its mount died: the calls that were answered, and the one that was not. */
export interface Journal {
  readonly done: readonly string[];
  readonly last: string | null;
}

/** Reads what kill-program.mjs wrote: lines of a call and of its result in turn. Calls that failed changed nothing. */
export function readJournal(path: string): Journal {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const done: string[] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) if (lines[i + 1] === 'ok') done.push(lines[i]!);
  return { done, last: lines.length % 2 === 1 ? lines.at(-1)! : null };
}

export interface ViewOptions {
  /** Names of one inode are kept together, and counted. */
  readonly links: boolean;
  /** Seconds: times from then on are not told. */
  readonly now: number;
}

/** A tree as lines by path: types, modes, times, content. */
export function viewOf(root: string, { links, now }: ViewOptions): Map<string, string> {
  const view = new Map<string, string>();
  const visit = (path: string): void => {
    const full = join(root, path);
    const stat = lstatSync(full);
    const mode = stat.mode.toString(8);
    if (stat.isDirectory()) {
      view.set(path, mode);
      for (const name of readdirSync(full)) visit(join(path, name));
    } else if (stat.isSymbolicLink()) {
      view.set(path, `${mode} -> ${readlinkSync(full)}`);
    } else {
      const seconds = Math.floor(stat.mtimeMs / 1000);
      const time = seconds >= now ? 'now' : seconds;
      const content = readFileSync(full);
      const hash = createHash('sha1').update(content).digest('base64');
      view.set(path, `${mode} ${time} size ${stat.size} read ${content.length} ${hash} ${links ? stat.nlink : ''}`);
    }
  };
  visit('.');
  return view;
}

/** What differs, a line each. */
export function differences(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const paths = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return paths
    .filter((path) => wanted.get(path) !== found.get(path))
    .map((path) => `${path}: wanted ${wanted.get(path) ?? 'nothing'}, found ${found.get(path) ?? 'nothing'}`);
}

interface Write {
  readonly kind: string;
  readonly path: string;
}

/** Brings the plain tree that stands for what must be there to where the journal ends. */
export function replay(reference: string, { done }: Journal): void {
  for (const line of done) {
    const result = String(perform(reference, JSON.parse(line)));
    if (result !== 'ok') throw new Error(`the mount allowed what a plain file system does not (${result}): ${line}`);
  }
}

/**
 * Decides what became of the call that was not answered, and brings the reference there: nothing of it is there, or
 * all; of data that were being written, any part from their start.
 * @throws Error with what is neither
 */
export function settleLast(reference: string, { last }: Journal, at: string, options: ViewOptions): void {
  const found = viewOf(at, options);
  const without = differences(viewOf(reference, options), found);
  if (without.length === 0) return;
  if (last === null) throw new Error(`differs after the calls that were answered:\n${without.join('\n')}`);
  const action = JSON.parse(last) as Write;
  const before = isWrite(action) ? contentAt(reference, action.path) : null;
  perform(reference, action);
  const left = differences(viewOf(reference, options), found);
  if (left.length === 0) return;
  if (before !== null && left.length === 1) {
    const written = contentAt(reference, action.path)!;
    const real = contentAt(at, action.path)!;
    if (isPartlyWritten(before, written, real)) {
      writeFileSync(join(reference, action.path), real);
      const rest = differences(viewOf(reference, options), found);
      if (rest.length === 0) return;
    }
  }
  throw new Error(`neither without the call nor with it: ${last}\n${without.join('\n')}\n--\n${left.join('\n')}`);
}

const isWrite = ({ kind }: Write): boolean => kind === 'append' || kind === 'write';

function contentAt(root: string, path: string): Buffer | null {
  try {
    return readFileSync(join(root, path));
  } catch {
    return null;
  }
}

/** Whether `real` is `after` up to somewhere and `before` from there on. */
function isPartlyWritten(before: Buffer, after: Buffer, real: Buffer): boolean {
  let written = 0;
  while (written < real.length && real[written] === after[written]) written++;
  return real.subarray(written).equals(before.subarray(written)) && real.length >= before.length;
}
