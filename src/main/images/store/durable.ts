// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';

/** A path as Node's own calls take it: its bytes. */
export const raw = (path: ByteString): Buffer => Buffer.from(path, 'latin1');

/** The folder that a path is in. */
export const parentOf = (path: ByteString): ByteString => path.slice(0, path.lastIndexOf('/')) || '/';

/** Makes what was renamed into a folder stay there after a power failure. */
export function syncFolder(path: ByteString): void {
  const fd = openSync(raw(path), 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Renames, and sees to it that the new name outlives a power failure. What it names must be on the disk already. */
export function publish(from: ByteString, to: ByteString): void {
  mkdirSync(raw(parentOf(to)), { recursive: true, mode: 0o700 });
  renameSync(raw(from), raw(to));
  syncFolder(parentOf(to));
}

/** Writes a file and syncs it. */
export function writeDurably(path: ByteString, bytes: Uint8Array): void {
  const fd = openSync(raw(path), 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Puts a file in place of another, whole or not at all.
 * @param work folder on the same file system for what is not whole yet
 */
export function replaceFile(work: ByteString, path: ByteString, bytes: Uint8Array): void {
  const beside = `${work}/${randomBytes(8).toString('hex')}`;
  writeDurably(beside, bytes);
  publish(beside, path);
}

/** A document as the store's records are written: for people to read too. */
export const jsonBytes = (document: unknown): Buffer => Buffer.from(`${JSON.stringify(document, null, 1)}\n`);
