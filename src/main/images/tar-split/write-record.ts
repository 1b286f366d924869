// SPDX-License-Identifier: MIT
import { once } from 'node:events';
import { createGzip, constants, type Gzip } from 'node:zlib';
import { textOf, type ByteString } from '@shared/bytes';
import { writeAt } from '../../system/file-content';
import { closeFile, createAt, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../../system/files';
import { AT_FDCWD, must } from '../../system/libc';
import { RECORD_TYPE } from './record';

/** Lines are handed on in pieces of about so many chars. */
const PIECE = 1 << 17;

/**
 * Writes a tar-split record to a new file, in the very bytes that Go's encoder gives (before gzip): the order of the
 * fields, `null` for no payload, `<`, `>`, `&` and the line separators escaped, names that are not UTF-8 in `name_raw`.
 */
export class RecordWriter {
  private readonly fd: number;
  private readonly gzip: Gzip;
  private readonly written: Promise<void>;
  private lines = '';
  private position = 0;
  private offset = 0;

  /** @throws SystemError, EEXIST where the file exists */
  constructor(private readonly path: ByteString) {
    this.fd = must(createAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), 'open', path);
    this.gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 1 << 18 });
    this.written = this.write();
    // Seen by `finish`; until then it must not count as unhandled.
    this.written.catch(() => undefined);
  }

  segment(bytes: Buffer): void {
    this.lines += `{"type":${RECORD_TYPE.segment},"payload":"${bytes.toString('base64')}","position":${this.position++}}\n`;
  }

  /** @param crc the content's CRC-64; null where there is no content */
  file(name: ByteString, size: number, crc: Buffer | null): void {
    const spelled = nameField(name);
    const bytes = size === 0 ? '' : `"size":${size},`;
    const payload = crc === null ? 'null' : `"${crc.toString('base64')}"`;
    this.lines += `{"type":${RECORD_TYPE.file},${spelled}${bytes}"payload":${payload},"position":${this.position++}}\n`;
  }

  /** Waits where the compressor has more to do than it should hold. */
  async flow(): Promise<void> {
    if (this.lines.length < PIECE) return;
    const piece = this.lines;
    this.lines = '';
    if (!this.gzip.write(piece, 'latin1')) await Promise.race([once(this.gzip, 'drain'), this.written]);
  }

  /** Writes what is left. The file is complete then, and not synced. */
  async finish(): Promise<void> {
    this.gzip.end(this.lines, 'latin1');
    await this.written;
  }

  /** Gives up: the file stays as it is. */
  async abandon(): Promise<void> {
    this.gzip.destroy();
    await this.written.catch(() => undefined);
  }

  private async write(): Promise<void> {
    try {
      for await (const piece of this.gzip as AsyncIterable<Buffer>) {
        for (let at = 0; at < piece.length;) {
          const part = piece.subarray(at);
          const count = must(writeAt(this.fd, part, part.length, this.offset), 'write', this.path);
          at += count;
          this.offset += count;
        }
      }
    } finally {
      closeFile(this.fd);
    }
  }
}

const NEEDS_ESCAPE = /["\\<>&\u0000-\u001f\u2028\u2029]/;

/** A name as Go writes it. The line is bytes: UTF-8 stays as it is. */
function nameField(name: ByteString): string {
  if (name === '') return '';
  const text = isAscii(name) ? name : textOf(name);
  if (text === null) return `"name_raw":"${Buffer.from(name, 'latin1').toString('base64')}",`;
  if (!NEEDS_ESCAPE.test(text)) return `"name":"${name}",`;
  return `"name":"${Buffer.from(goEscape(text), 'utf8').toString('latin1')}",`;
}

const isAscii = (name: ByteString): boolean => !/[\x80-\xff]/.test(name);

const SHORT: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const goEscape = (text: string): string =>
  text.replace(
    /["\\<>&\u0000-\u001f\u2028\u2029]/g,
    (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
