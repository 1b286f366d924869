// SPDX-License-Identifier: MIT
import { textOf } from '@shared/bytes';
import type { Preview } from '@shared/view';
import { closeFile, readFile } from '../system/files';
import { isRegular, statFd } from '../system/stat';
import { pathOf, topOf, type Entry } from './entry';
import { openData } from './file-data';
import { kindOf } from './rows';
import type { OverlayStack } from './stack';
import { SystemError } from '../system/libc';
import { hexLines } from './hex-lines';

const TEXT_BYTES = 64 * 1024;
const HEX_BYTES = 4 * 1024;

/** The first part of a regular file's data, as text or hex. Nothing else is opened. Throws a SystemError. */
export function previewOf(stack: OverlayStack, entry: Entry): Preview {
  const { stat } = topOf(entry);
  if (!isRegular(stat.mode))
    return { kind: 'none', content: `A ${kindOf(stat)} has no content to show.`, shown: 0, size: 0 };
  const fd = openData(stack, entry);
  try {
    const { size } = statFd(fd, pathOf(entry));
    const buffer = Buffer.alloc(Math.min(size, TEXT_BYTES));
    const count = readFile(fd, buffer, buffer.length, 0);
    if (count < 0) throw new SystemError(-count, 'read', pathOf(entry));
    return render(buffer.subarray(0, count), size);
  } finally {
    closeFile(fd);
  }
}

function render(bytes: Buffer, size: number): Preview {
  const text = asText(bytes, size > bytes.length);
  if (text !== null) return { kind: 'text', content: text, shown: bytes.length, size };
  const head = bytes.subarray(0, HEX_BYTES);
  return { kind: 'hex', content: hexLines(head), shown: head.length, size };
}

/** The text, or null where it has a NUL or is not UTF-8; the last character may be cut off. */
function asText(bytes: Buffer, cut: boolean): string | null {
  if (bytes.includes(0)) return null;
  for (let dropped = 0; dropped <= (cut ? 3 : 0) && dropped <= bytes.length; dropped++) {
    const text = textOf(bytes.toString('latin1', 0, bytes.length - dropped));
    if (text !== null) return text;
  }
  return null;
}
