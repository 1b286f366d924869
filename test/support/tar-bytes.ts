// SPDX-License-Identifier: MIT

/** A field of a header block: text, a number in octal, or the very bytes. */
export interface HeaderFields {
  readonly name: string;
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** What the size field says; the length of the content otherwise. */
  readonly size?: number | Buffer;
  readonly mtime?: number;
  readonly linkName?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: string;
  readonly format?: 'v7' | 'ustar' | 'gnu';
  /** Bytes laid over the block before it is summed. */
  readonly patch?: readonly (readonly [number, Buffer])[];
  readonly checksum?: 'unsigned' | 'signed' | 'wrong';
  readonly content?: Buffer | string;
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

export const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

/** One header block and its content, padded. Whatever is asked for is written, right or wrong. */
export function entry(fields: HeaderFields): Buffer {
  const content =
    typeof fields.content === 'string' ? Buffer.from(fields.content, 'latin1') : (fields.content ?? Buffer.alloc(0));
  const block = Buffer.alloc(512);
  const put = (text: string, at: number): void => void block.write(text, at, 'latin1');
  put(fields.name.slice(0, 100), 0);
  put(octal(fields.mode ?? 0o644, 8), 100);
  put(octal(fields.uid ?? 0, 8), 108);
  put(octal(fields.gid ?? 0, 8), 116);
  if (Buffer.isBuffer(fields.size)) fields.size.copy(block, 124);
  else put(octal(fields.size ?? content.length, 12), 124);
  put(octal(fields.mtime ?? 1_000_000_000, 12), 136);
  put(fields.type ?? '0', 156);
  put((fields.linkName ?? '').slice(0, 100), 157);
  const format = fields.format ?? 'ustar';
  if (format !== 'v7') {
    put(format === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257);
    put(octal(fields.major ?? 0, 8), 329);
    put(octal(fields.minor ?? 0, 8), 337);
    put(fields.prefix ?? '', 345);
  }
  for (const [at, bytes] of fields.patch ?? []) bytes.copy(block, at);
  block.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of block) sum += fields.checksum === 'signed' && byte > 127 ? byte - 256 : byte;
  put(`${octal(fields.checksum === 'wrong' ? sum + 1 : sum, 7)} `, 148);
  return Buffer.concat([block, padded(content)]);
}

/** A PAX record, its length counted in. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** An extended header of such records. */
export const pax = (
  records: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  type = 'x',
): Buffer =>
  entry({
    name: 'PaxHeaders/x',
    type,
    content: (Array.isArray(records) ? records : Object.entries(records))
      .map(([key, value]: readonly [string, string]) => paxRecord(key, value))
      .join(''),
  });

/** GNU's long name (`L`) or long link target (`K`). */
export const long = (type: 'L' | 'K', text: string): Buffer =>
  entry({ name: '././@LongLink', type, format: 'gnu', content: `${text}\0` });

export const END = Buffer.alloc(1024);

/** A whole tar of such parts. */
export const tar = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, END]);

/** The bytes as a stream, in pieces of a size that fits no block. */
export async function* streamOf(bytes: Buffer, piece = 10_007): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += piece) yield await Promise.resolve(bytes.subarray(at, at + piece));
}

/** All bytes of a stream. */
export async function allOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
