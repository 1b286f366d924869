// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { truncateFd, writeAt } from '../../system/file-content';
import { closeFile } from '../../system/files';
import { must } from '../../system/libc';
import { statFd } from '../../system/stat';
import { OPAQUE_MARK, removedBy, isMarkName } from '../../overlay/whiteout-names';
import type { RecordWriter } from '../tar-split/write-record';
import { Crc64 } from '../tar-split/crc64';
import type { TarEntry } from '../tar/entry';
import type { TarReader } from '../tar/reader';
import { TarError } from '../tar/tar-error';
import { entryPath } from './entry-path';
import type { LayerFolder } from './layer-folder';
import { applyToFile } from './metadata';

/** Where entries go: the folder, and the record beside it. */
export interface Sink {
  readonly reader: TarReader;
  readonly folder: LayerFolder;
  readonly record: RecordWriter;
  /** Names that the record has for entries of which nothing is on disk: Go's tools take each name only once. */
  readonly odd: Set<ByteString>;
}

const RESERVED = '.wh..wh.';
/** makedev(3) of the kernel: 12 and 20 bits. */
const MOST_MAJOR = 0xfff;
const MOST_MINOR = 0xf_ffff;

/**
 * Makes what one entry says, and records it. Returns the bytes that its content takes on disk.
 * @throws TarError, SystemError
 */
export async function placeEntry(sink: Sink, entry: TarEntry): Promise<number> {
  const { folder, record, reader } = sink;
  record.segment(reader.takeRaw());
  if (entry.kind === 'global') return recordOnly(sink, entry);
  if (entry.kind === 'other') {
    if (entry.type === 'V') return recordOnly(sink, entry);
    throw new TarError('unsupported-entry', `it is of the type "${entry.type}", which no image has`);
  }
  const path = entryPath(entry.name, 'its name');
  const last = path[path.length - 1] ?? '';
  if (path.some(isMarkName)) {
    if (path.slice(0, -1).some((name) => isMarkName(name) && !name.startsWith(RESERVED)))
      throw new TarError('unsafe-entry', 'it is inside of a whiteout');
    placeMark(sink, path, last);
    return recordOnly(sink, entry);
  }
  switch (entry.kind) {
    case 'file':
      return placeFile(sink, path, entry);
    case 'directory':
      if (!folder.directory(path, entry)) record.file(entry.name, 0, null);
      return 0;
    case 'symlink':
      folder.symlink(path, entry);
      break;
    case 'hardlink':
      folder.hardLink(path, entryPath(entry.linkName, 'the target of its hard link'));
      break;
    default:
      placeNode(folder, path, entry);
  }
  record.file(entry.name, 0, null);
  return 0;
}

/** `.wh.NAME` and `.wh..wh..opq`; what else begins with `.wh..wh.` is aufs's own and skipped, as Docker does. */
function placeMark({ folder }: Sink, path: readonly ByteString[], last: ByteString): void {
  const parent = path.slice(0, -1);
  if (parent.some((name) => name.startsWith(RESERVED))) return;
  if (last === OPAQUE_MARK) {
    folder.opaque(parent);
    return;
  }
  const name = removedBy(last);
  if (name === null) return;
  if (name === '' || name === '.' || name === '..') throw new TarError('unsafe-entry', 'it is a whiteout of no name');
  folder.whiteout([...parent, name]);
}

function placeNode(folder: LayerFolder, path: readonly ByteString[], entry: TarEntry): void {
  const { kind, major, minor } = entry;
  if (kind !== 'fifo') {
    if (major < 0 || major > MOST_MAJOR || minor < 0 || minor > MOST_MINOR)
      throw new TarError('bad-tar', `it is a device ${major}:${minor}, which Linux has not`);
    if (kind === 'character' && major === 0 && minor === 0 && !folder.form.recorded)
      throw new TarError('unsafe-entry', 'it is a device 0:0, which overlayfs takes for a whiteout');
  }
  folder.node(path, entry);
}

/** What has no file on disk goes into the record whole. */
async function recordOnly({ reader, record, odd }: Sink, entry: TarEntry): Promise<number> {
  if (!odd.has(entry.name)) {
    odd.add(entry.name);
    record.file(entry.name, 0, null);
  }
  if (entry.stored === 0) return 0;
  for (let piece = await reader.read(); piece !== null; piece = await reader.read()) {
    record.segment(piece);
    await record.flow();
  }
  await reader.endContent();
  const padding = reader.takeRaw();
  if (padding.length > 0) record.segment(padding);
  return 0;
}

async function placeFile(sink: Sink, path: readonly ByteString[], entry: TarEntry): Promise<number> {
  const { folder, record } = sink;
  const { size } = entry;
  const fd = folder.file(path);
  try {
    const crc = size === 0 ? null : await writeContent(sink.reader, fd, entry);
    applyToFile(fd, entry, folder.form);
    record.file(entry.name, size, crc);
    return size === 0 ? 0 : statFd(fd, entry.name).blocks * 512;
  } finally {
    closeFile(fd);
  }
}

/** Writes what is stored where it belongs, and leaves the holes. Returns the CRC-64 of the whole. */
async function writeContent(reader: TarReader, fd: number, { name, size, stored, sparse }: TarEntry): Promise<Buffer> {
  const crc = new Crc64();
  let end = 0;
  for (const { offset, length } of sparse?.runs ?? [{ offset: 0, length: stored }]) {
    crc.updateZeros(offset - end);
    end = offset;
    while (end < offset + length) {
      const piece = await reader.read(offset + length - end);
      if (piece === null) throw new Error('the sparse map was checked against the stored size');
      crc.update(piece);
      writeAll(fd, piece, end, name);
      end += piece.length;
    }
  }
  crc.updateZeros(size - end);
  if (size > end) must(truncateFd(fd, size), 'ftruncate', name);
  return crc.digest();
}

function writeAll(fd: number, bytes: Buffer, offset: number, name: ByteString): void {
  for (let at = 0; at < bytes.length;)
    at += must(writeAt(fd, bytes.subarray(at), bytes.length - at, offset + at), 'write', name);
}
