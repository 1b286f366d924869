// SPDX-License-Identifier: MIT
import { open } from 'node:fs/promises';
import { logPath } from '../fuse/mount-record';

/** Of a long log only the end is read. */
const TAIL_BYTES = 256 * 1024;

/** The last lines that the process of a mount has written; none where it has no log. */
export async function mountLog(id: string, lines: number): Promise<string[]> {
  const text = await tailOf(logPath(id));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(-lines);
}

async function tailOf(path: string): Promise<string> {
  let file;
  try {
    file = await open(path, 'r');
  } catch {
    // In the foreground the log goes to the terminal.
    return '';
  }
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    // The first line is cut unless it is the log's first.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}
