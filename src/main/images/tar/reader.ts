// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ByteSource } from './byte-source';
import { entryOf, type TarEntry } from './entry';
import { BLOCK, checkSum, isZero, paddingOf, parseHeader, plainName, TYPE, type Header } from './header';
import { parsePax, type PaxRecords } from './pax';
import {
  checkedMap,
  DataMapParser,
  extensionRuns,
  oldSparseRuns,
  paxSparseKind,
  paxSparseSize,
  recordRuns,
  type DataRun,
} from './sparse';
import { badTar, TarError } from './tar-error';

/** Of one extended header, in bytes, and of a sparse map: what Go's tools take, so that no image has larger ones. */
const MOST_HEADER_BYTES = 1 << 20;
/** Extended headers before one entry. */
const MOST_HEADERS = 16;

/** Records that a global header must not have: every entry would get the same name or size. */
const LOCAL_ONLY = /^(path|linkpath|size|GNU\.sparse\..*)$/;

/**
 * Reads a tar from a stream, entry by entry, and keeps every byte that is not content of a file for who asks
 * (`takeRaw`). Of v7, ustar, GNU and PAX tars (pax(1), tar(5)), in bounded memory.
 *
 * For each entry: `next`, `takeRaw`, `read` until it gives null. After the last: `takeRaw`, and `trailing` until null.
 * What is wrong is a TarError, which says nothing of the entry: `lastName` does.
 */
export class TarReader {
  private readonly source: ByteSource;
  private raw: Buffer[] = [];
  private readonly globals: PaxRecords = new Map();
  /** Of the current entry, in bytes not yet read. */
  private left = 0;
  private padding = 0;
  /** Name of the entry that was read last, or is being read: for messages. */
  lastName: ByteString = '';

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.source = new ByteSource(stream);
  }

  /** The bytes of the archive since the last call that are not content: padding, headers, sparse maps. */
  takeRaw(): Buffer {
    const bytes = this.raw.length === 1 ? this.raw[0]! : Buffer.concat(this.raw);
    this.raw = [];
    return bytes;
  }

  /** The next entry; null at the end of the archive. The content of the last one must have been read. */
  async next(): Promise<TarEntry | null> {
    if (this.left > 0) throw new Error('the content of the last entry was not read');
    await this.endContent();
    let local: PaxRecords | null = null;
    let longName: ByteString | null = null;
    let longLink: ByteString | null = null;
    for (let count = 0; ; count++) {
      if (count > MOST_HEADERS) badTar(`it has more than ${MOST_HEADERS} extended headers`);
      const block = await this.headerBlock(count === 0);
      if (block === null) return null;
      checkSum(block);
      if (count === 0) this.lastName = plainName(block);
      const header = parseHeader(block);
      switch (header.type) {
        case TYPE.header:
        case TYPE.solarisHeader:
          local = parsePax(await this.special(header));
          this.lastName = local.get('path') ?? this.lastName;
          break;
        case TYPE.longName:
          this.lastName = longName = untilNul(await this.special(header));
          break;
        case TYPE.longLink:
          longLink = untilNul(await this.special(header));
          break;
        case TYPE.globalHeader:
          if (count > 0) badTar('a global header stands between an extended header and its entry');
          await this.addGlobals(header);
          return { ...entryOf(header, { global: null, local: null, longName, longLink }), size: 0, stored: 0 };
        default:
          this.lastName = longName ?? local?.get('path') ?? header.name;
          return this.begin(header, block, entryOf(header, { global: this.globals, local, longName, longLink }), local);
      }
    }
  }

  /** The next piece, of at most so many bytes, of what the archive stores of the current entry; null where that ends. */
  async read(most = Infinity): Promise<Buffer | null> {
    if (this.left === 0) return null;
    const piece = await this.source.some(Math.min(this.left, most));
    if (piece === null) throw new TarError('truncated', 'the tar ends in the middle of its content');
    this.left -= piece.length;
    return piece;
  }

  /** Reads the padding behind the content, so that `takeRaw` has it before the next entry. */
  async endContent(): Promise<void> {
    if (this.padding > 0) this.raw.push(await this.source.upTo(this.padding));
    this.padding = 0;
  }

  /** After the last entry: a piece of what follows the end of the archive; null at the end of the stream. */
  trailing(): Promise<Buffer | null> {
    return this.source.some(BLOCK * 2048);
  }

  close(): Promise<void> {
    return this.source.close();
  }

  /**
   * A header block, or null at the end of the archive: two zero blocks, or, as other tools take it, one, or none.
   */
  private async headerBlock(mayEnd: boolean): Promise<Buffer | null> {
    const block = await this.source.upTo(BLOCK);
    if (block.length > 0) this.raw.push(block);
    if (block.length === 0 && mayEnd) return null;
    if (block.length < BLOCK) throw new TarError('truncated', 'the tar ends in the middle of a header');
    if (block[0] !== 0 || !isZero(block)) return block;
    if (!mayEnd) badTar('the archive ends between an extended header and its entry');
    const second = await this.source.upTo(BLOCK);
    if (second.length > 0) this.raw.push(second);
    if (second.length === BLOCK && !isZero(second)) badTar('a single zero block stands between entries');
    return null;
  }

  /** The content of an extended header. */
  private async special({ size }: Header): Promise<Buffer> {
    if (size < 0) badTar('an extended header has a negative size');
    if (size > MOST_HEADER_BYTES)
      throw new TarError('over-limit', `an extended header has ${size} bytes, and ${MOST_HEADER_BYTES} are the most`);
    const bytes = await this.source.exactly(size + paddingOf(size));
    this.raw.push(bytes);
    return bytes.subarray(0, size);
  }

  private async addGlobals(header: Header): Promise<void> {
    for (const [key, value] of parsePax(await this.special(header))) {
      if (LOCAL_ONLY.test(key)) badTar(`a global header sets "${key}"`);
      if (value === '') this.globals.delete(key);
      else this.globals.set(key, value);
    }
    let bytes = 0;
    for (const [key, value] of this.globals) bytes += key.length + value.length;
    if (bytes > MOST_HEADER_BYTES) throw new TarError('over-limit', 'the global headers are too large');
  }

  /** Reads what stands between a header and the content of its file. */
  private async begin(header: Header, block: Buffer, entry: TarEntry, local: PaxRecords | null): Promise<TarEntry> {
    this.lastName = entry.name;
    this.left = entry.stored;
    this.padding = paddingOf(entry.stored);
    if (entry.kind !== 'file') return entry;
    if (header.type === TYPE.sparse) return this.oldSparse(header, block, entry);
    const kind = local === null ? null : paxSparseKind(local);
    if (kind === null) return entry;
    const runs = kind === 'data' ? await this.mapBeforeData() : recordRuns(local!);
    const sparse = checkedMap(runs, paxSparseSize(local!) ?? entry.size, this.left);
    return { ...entry, size: sparse.size, stored: this.left, sparse };
  }

  private async oldSparse(header: Header, block: Buffer, entry: TarEntry): Promise<TarEntry> {
    if (header.format !== 'gnu') badTar("it is a sparse file of star's format, which nothing writes any more");
    const { runs, size, more } = oldSparseRuns(block);
    for (let hasMore = more; hasMore;) {
      if (runs.length * 24 > MOST_HEADER_BYTES) throw new TarError('over-limit', 'its sparse map is too large');
      const extension = await this.source.exactly(BLOCK);
      this.raw.push(extension);
      const next = extensionRuns(extension);
      runs.push(...next.runs);
      hasMore = next.more;
    }
    const sparse = checkedMap(runs, size, entry.stored);
    return { ...entry, size, sparse };
  }

  private async mapBeforeData(): Promise<DataRun[]> {
    const parser = new DataMapParser();
    for (let bytes = 0; bytes < MOST_HEADER_BYTES; bytes += BLOCK) {
      if (this.left < BLOCK) badTar('its sparse map is longer than its content');
      const block = await this.source.exactly(BLOCK);
      this.raw.push(block);
      this.left -= BLOCK;
      const runs = parser.add(block);
      if (runs !== null) return runs;
    }
    throw new TarError('over-limit', 'its sparse map is too large');
  }
}

const untilNul = (bytes: Buffer): ByteString => {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
};
