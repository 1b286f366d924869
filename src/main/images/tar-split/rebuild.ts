// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { closeFile, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, openAt, readFile } from '../../system/files';
import { ERRNO, errnoName, SystemError } from '../../system/libc';
import { isRegular, statFd } from '../../system/stat';
import { DirectoryTrail } from '../unpack/directory-trail';
import { entryPath } from '../unpack/entry-path';
import { paddingOf } from '../tar/header';
import type { DataRun } from '../tar/sparse';
import { TarError } from '../tar/tar-error';
import { Crc64 } from './crc64';
import { readRecord } from './read-record';
import type { FileRecord } from './record';
import { storedRuns } from './stored-runs';

const PIECE = 1 << 20;
const HINT = 'The files of the layer, or its record, are not those of the image any more: import the image again.';

/**
 * Makes the exact tar of a layer again, from its unpacked files and its tar-split record. The content is checked while it
 * goes out, so that the error of a changed file comes after bytes of it: what was taken must be thrown away then.
 * @param folder   the unpacked layer; only read
 * @param tarSplit the record, of Lamina or of a Go tool
 * @throws Failure that names the file that is missing or changed
 */
export async function* rebuildTar(
  folder: ByteString,
  tarSplit: ByteString,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const trail = new DirectoryTrail(folder);
  let segment: Buffer = Buffer.alloc(0);
  let padding = 0;
  try {
    for await (const record of readRecord(tarSplit, signal)) {
      signal.throwIfAborted();
      if (record.kind === 'segment') {
        segment = record.bytes;
        if (segment.length > 0) yield segment;
        continue;
      }
      let stored = 0;
      if (record.size > 0) {
        const runs = await storedRuns(segment.subarray(padding), record.size).catch((error: unknown) => {
          throw error instanceof TarError
            ? changed(folder, record.name, `has a broken record: ${error.message}`)
            : error;
        });
        for (const { length } of runs) stored += length;
        // A hard link that tells the size of its file has no content.
        if (runs.length > 0 || !isEmpty(record.crc)) yield* content(folder, trail, record, runs);
      }
      padding = paddingOf(stored);
    }
  } finally {
    trail.close();
  }
}

const isEmpty = (crc: Buffer): boolean => crc.every((byte) => byte === 0);

function* content(
  folder: ByteString,
  trail: DirectoryTrail,
  { name, size, crc }: FileRecord,
  runs: readonly DataRun[],
): Generator<Uint8Array> {
  const fd = openContent(folder, trail, name);
  const sum = new Crc64();
  try {
    const actual = statFd(fd, name).size;
    if (actual !== size) throw changed(folder, name, `has ${actual} bytes, and ${size} in the layer`);
    let end = 0;
    for (const { offset, length } of runs) {
      sum.updateZeros(offset - end);
      yield* range(fd, offset, length, sum, folder, name);
      end = offset + length;
    }
    sum.updateZeros(size - end);
  } finally {
    closeFile(fd);
  }
  if (!sum.digest().equals(crc))
    throw changed(folder, name, 'has other content than in the layer (its CRC-64 differs)');
}

function* range(
  fd: number,
  offset: number,
  length: number,
  sum: Crc64,
  folder: ByteString,
  name: ByteString,
): Generator<Uint8Array> {
  for (let at = 0; at < length;) {
    // Who takes the piece may keep it.
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, length - at));
    const count = readFile(fd, piece, piece.length, offset + at);
    if (count < 0) throw changed(folder, name, `cannot be read (${errnoName(-count)})`);
    if (count === 0) throw changed(folder, name, 'became shorter while it was read');
    const bytes = piece.subarray(0, count);
    sum.update(bytes);
    yield bytes;
    at += count;
  }
}

/** Opens a file of the layer, through no symlink, and no device or fifo either. */
function openContent(folder: ByteString, trail: DirectoryTrail, name: ByteString): number {
  try {
    const path = entryPath(name, 'its name');
    const last = path.pop();
    if (last === undefined) throw changed(folder, name, 'is the layer itself');
    const fd = openAt(trail.open(path, path.length), last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
      throw changed(folder, name, fd === -ERRNO.ELOOP ? 'is a symlink now' : `cannot be opened (${errnoName(-fd)})`);
    if (isRegular(statFd(fd, name).mode)) return fd;
    closeFile(fd);
    throw changed(folder, name, 'is no regular file');
  } catch (error) {
    if (error instanceof SystemError) throw changed(folder, name, `cannot be reached (${error.code})`);
    if (error instanceof TarError) throw changed(folder, name, error.message);
    throw error;
  }
}

const changed = (folder: ByteString, name: ByteString, what: string): Failure =>
  new Failure('changed-layer', `${display(folder)}: ${display(name)} ${what}.`, HINT);
