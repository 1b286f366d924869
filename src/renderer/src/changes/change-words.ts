// SPDX-License-Identifier: MIT
import type { Change } from '@shared/changes';
import type { ChangeRow } from '@shared/contract';
import { formatSize } from '../design/format';
import { text } from '../text';

/** What about an object is another: in words, the errno of what cannot be looked at first. */
export function differsText({ kind, differs, error }: Pick<Change, 'kind' | 'differs' | 'error'>): string {
  // New data have a new time: that says nothing more.
  const shown = kind === 'modified' ? differs.filter((difference) => difference !== 'mtime') : differs;
  const words: string[] = shown.map((difference) => text.changes.differs[difference]);
  if (kind === 'metadata' && words.length === 0 && error === null) words.push(text.changes.sameAsBelow);
  return [...(error === null ? [] : [error]), ...words].join(', ');
}

export const sizeText = ({ type, size }: Pick<Change, 'type' | 'size'>): string =>
  type === 'file' ? formatSize(size) : '';

/** A row's accessible name. */
export function changeName(row: ChangeRow): string {
  const from = row.oldDisplay === null ? '' : text.changes.from(row.oldDisplay);
  return [
    text.changes.kinds[row.kind],
    row.display,
    from,
    text.browser.kinds[row.type],
    differsText(row),
    sizeText(row),
  ]
    .filter((part) => part !== '')
    .join(', ');
}
