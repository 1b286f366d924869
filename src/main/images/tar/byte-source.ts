// SPDX-License-Identifier: MIT
import { TarError } from './tar-error';

/** Takes bytes from a stream of chunks in the pieces that the reader asks for, without copying where it can. */
export class ByteSource {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private chunk: Buffer = Buffer.alloc(0);
  private at = 0;
  private ended = false;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** Whether bytes are at hand without waiting. */
  private async fill(): Promise<boolean> {
    while (!this.ended && this.at === this.chunk.length) {
      const { value, done } = await this.chunks.next();
      if (done === true) this.ended = true;
      else {
        this.chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
        this.at = 0;
      }
    }
    return this.at < this.chunk.length;
  }

  /** The next piece of at most so many bytes; null at the end. It is valid as long as the caller keeps it. */
  async some(most: number): Promise<Buffer | null> {
    if (this.at === this.chunk.length && !(await this.fill())) return null;
    const piece = this.chunk.subarray(this.at, Math.min(this.chunk.length, this.at + most));
    this.at += piece.length;
    return piece;
  }

  /** So many bytes in one piece, fewer only where the stream ends. */
  async upTo(length: number): Promise<Buffer> {
    if (this.chunk.length - this.at >= length) {
      this.at += length;
      return this.chunk.subarray(this.at - length, this.at);
    }
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const piece = await this.some(missing);
      if (piece === null) break;
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** So many bytes in one piece. Throws a TarError where the stream ends before. */
  async exactly(length: number): Promise<Buffer> {
    const bytes = await this.upTo(length);
    if (bytes.length < length) throw new TarError('truncated', 'the tar ends in the middle of an entry');
    return bytes;
  }

  /** Lets the producer free what it holds. */
  async close(): Promise<void> {
    this.ended = true;
    await this.chunks.return?.();
  }
}
