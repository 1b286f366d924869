// SPDX-License-Identifier: MIT

/** `text` in at most `length` characters, with the middle left out: the end of a path says most. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const tail = Math.ceil((length - 1) * 0.6);
  return `${text.slice(0, length - 1 - tail)}…${text.slice(-tail)}`;
}

/** A path as its last name and the folder that holds it. */
export function splitPath(path: string): { readonly name: string; readonly folder: string } {
  const at = path.lastIndexOf('/');
  return at < 0 || path === '/'
    ? { name: path, folder: '' }
    : { name: path.slice(at + 1), folder: path.slice(0, at) || '/' };
}
