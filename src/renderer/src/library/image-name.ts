// SPDX-License-Identifier: MIT

/** A name for an image of a composition: what a repository may be called, on no registry. */
export function imageNameFor(composition: string): string {
  const plain = composition
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `localhost/${plain === '' ? 'image' : plain}:latest`;
}
