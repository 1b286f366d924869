// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';
import { display } from './bytes';
import { stackOf } from './composition';
import type { OptionSubject } from './option-types';

/** A directory of a stack by its plain path, with what a person calls it. */
export interface Place {
  readonly name: string;
  readonly path: ByteString;
  readonly lower: boolean;
}

/** Every directory of the stack under its plain path; paths with `..` cannot be judged by text and are left out. */
export function places(subject: OptionSubject): Place[] {
  const all = stackOf(subject).map(({ lane, letter, path }) => ({
    name: lane === 'upper' ? 'the upper layer' : `layer ${letter} (${display(path)})`,
    path: plain(path),
    lower: lane !== 'upper',
  }));
  const workdir = subject.upper?.workdir;
  if (workdir) all.splice(1, 0, { name: 'the workdir', path: plain(workdir), lower: false });
  return all.filter(({ path }) => !climbs(path));
}

/** The path without repeated or trailing slashes and without `.`; the root is empty. */
function plain(path: ByteString): ByteString {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reduce((whole, part) => `${whole}/${part}`, '');
}

/** Whether two paths name the same directory, or one lies inside the other, as far as text tells. */
export function touches(one: ByteString, other: ByteString): boolean {
  const [a, b] = [`${plain(one)}/`, `${plain(other)}/`];
  return !climbs(a) && !climbs(b) && (a.startsWith(b) || b.startsWith(a));
}

/** With `..` after a symbolic link, only the disk knows where a path leads. */
function climbs(path: ByteString): boolean {
  return `${path}/`.includes('/../');
}

/** The names of two places that are the same directory, one of them a lower; null if there are none. */
export function samePair(subject: OptionSubject): [string, string] | null {
  const seen = new Map<ByteString, string>();
  for (const { name, path, lower } of places(subject)) {
    const first = seen.get(path);
    if (first !== undefined && lower) return [first, name];
    seen.set(path, name);
  }
  return null;
}

/** The name of a lower that lies inside another place, and of that place; null if there is none. */
export function insidePair(subject: OptionSubject): [string, string] | null {
  const all = places(subject);
  const names = new Map(all.map(({ name, path }) => [path, name]));
  for (const { name, path, lower } of all) {
    if (!lower) continue;
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      const outer = names.get(path.slice(0, end));
      if (outer !== undefined) return [name, outer];
      if (end === 0) break;
    }
  }
  return null;
}
