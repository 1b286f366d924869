// SPDX-License-Identifier: MIT
import { open, type FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { raw } from '../store/durable';
import { entryOf } from '../tar/entry';
import { BLOCK, isZero, paddingOf, parseHeader, TYPE, type Header } from '../tar/header';
import { parsePax, type PaxRecords } from '../tar/pax';
import { TarError } from '../tar/tar-error';

/** Where a file of an archive stands in it, or what a link leads to. */
export type ArchiveEntry =
  | { readonly kind: 'file'; readonly offset: number; readonly size: number }
  /** `target`: a name in the archive. */
  | { readonly kind: 'link'; readonly target: ByteString };

/** An archive of images has a few files for each layer. */
const MOST_ENTRIES = 100_000;
const MOST_HEADER_BYTES = 1 << 20;

/**
 * The files of a tar that stands still, by name, without reading their content. The last of several with one name
 * counts, as for tar(1).
 * @throws Failure `bad-archive`
 */
export async function indexArchive(path: ByteString): Promise<ReadonlyMap<ByteString, ArchiveEntry>> {
  const file = await open(raw(path), 'r');
  try {
    return await readEntries(file);
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw new Failure(
      'bad-archive',
      `${display(path)} is not an archive of an image: ${error.message}.`,
      'Make it again with podman save, docker save or skopeo copy.',
    );
  } finally {
    await file.close();
  }
}

async function readEntries(file: FileHandle): Promise<Map<ByteString, ArchiveEntry>> {
  const { size: end } = await file.stat();
  const entries = new Map<ByteString, ArchiveEntry>();
  let local: PaxRecords | null = null;
  let longName: ByteString | null = null;
  let longLink: ByteString | null = null;
  for (let at = 0; at + BLOCK <= end;) {
    const block = await piece(file, at, BLOCK);
    if (isZero(block)) break;
    const header = parseHeader(block);
    at += BLOCK;
    if (isExtension(header)) {
      const bytes = await extension(file, at, header);
      if (header.type === TYPE.longName) longName = untilNul(bytes);
      else if (header.type === TYPE.longLink) longLink = untilNul(bytes);
      else if (header.type !== TYPE.globalHeader) local = parsePax(bytes);
      at += header.size + paddingOf(header.size);
      continue;
    }
    const entry = entryOf(header, { global: null, local, longName, longLink });
    const name = plainName(entry.name);
    if (at + entry.stored > end) throw new TarError('truncated', `it ends in the middle of ${display(entry.name)}`);
    if (entry.kind === 'file') entries.set(name, { kind: 'file', offset: at, size: entry.stored });
    else if (entry.kind === 'symlink')
      entries.set(name, { kind: 'link', target: plainName(`${posix.dirname(name)}/${entry.linkName}`) });
    else if (entry.kind === 'hardlink') entries.set(name, { kind: 'link', target: plainName(entry.linkName) });
    if (entries.size > MOST_ENTRIES) throw new TarError('over-limit', `it has more than ${MOST_ENTRIES} files`);
    local = longName = longLink = null;
    at += entry.stored + paddingOf(entry.stored);
  }
  return entries;
}

const EXTENSIONS: readonly string[] = [
  TYPE.header,
  TYPE.solarisHeader,
  TYPE.globalHeader,
  TYPE.longName,
  TYPE.longLink,
];
const isExtension = ({ type }: Header): boolean => EXTENSIONS.includes(type);

async function extension(file: FileHandle, at: number, { size }: Header): Promise<Buffer> {
  if (size < 0 || size > MOST_HEADER_BYTES) throw new TarError('over-limit', `an extended header has ${size} bytes`);
  return piece(file, at, size);
}

async function piece(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, at);
  if (bytesRead < length) throw new TarError('truncated', 'it ends in the middle of a header');
  return buffer;
}

/** `./a//b/` and `a/b` are one file. */
const plainName = (name: ByteString): ByteString => posix.normalize(`/${name}`).replace(/^\/|\/$/g, '');

const untilNul = (bytes: Buffer): ByteString => bytes.toString('latin1').replace(/\0[^]*$/, '');
