// SPDX-License-Identifier: MIT
import { realpath, stat, access, constants } from 'node:fs/promises';
import { display, type ByteString } from '@shared/bytes';
import type { LayerFacts } from '@shared/contract';
import { mountOf } from '../system/mountinfo';
import { cannotOpen } from './layer';
import { hasVolatileMark } from './volatile-mark';
import { ERRNO } from '../system/libc';

/** What can be said of a folder before it is a layer: whether it can be read, and its file system. Never throws. */
export async function inspectLayer(path: ByteString): Promise<LayerFacts> {
  const facts = { path, display: display(path), volatile: hasVolatileMark(path) };
  try {
    const raw = Buffer.from(path, 'latin1');
    const info = await stat(raw);
    if (!info.isDirectory()) return { ...facts, ok: false, filesystem: null, problem: problemOf(path, ERRNO.ENOTDIR) };
    await access(raw, constants.R_OK | constants.X_OK);
    const real = await realpath(raw, { encoding: 'buffer' });
    return { ...facts, ok: true, filesystem: mountOf(real.toString('latin1'))?.type ?? null, problem: null };
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    return { ...facts, ok: false, filesystem: null, problem: problemOf(path, Math.abs(errno ?? ERRNO.EIO)) };
  }
}

function problemOf(path: ByteString, errno: number): string {
  const { message, hint } = cannotOpen(path, errno);
  return `${message} ${hint}`;
}
