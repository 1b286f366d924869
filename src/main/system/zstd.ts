// SPDX-License-Identifier: MIT
import koffi from 'koffi';
import { Failure } from '@shared/failure';

/*
 * Streams of Zstandard by libzstd.so.1 (zstd.h, "Streaming"), which apt itself needs: Node has it from 22.15 on only, and
 * of the npm packages none is both native and without an install script.
 */
interface Library {
  readonly createDecoder: () => unknown;
  readonly freeDecoder: (stream: unknown) => number | bigint;
  readonly setDecoder: (stream: unknown, parameter: number, value: number) => number | bigint;
  readonly decode: (stream: unknown, output: Buffer, input: Buffer) => number | bigint;
  readonly createEncoder: () => unknown;
  readonly freeEncoder: (stream: unknown) => number | bigint;
  readonly setEncoder: (stream: unknown, parameter: number, value: number) => number | bigint;
  readonly pledge: (stream: unknown, size: number) => number | bigint;
  readonly encode: (stream: unknown, output: Buffer, input: Buffer, directive: number) => number | bigint;
  readonly isError: (code: number | bigint) => number;
  readonly errorName: (code: number | bigint) => string;
}

let loaded: Library | null = null;

function library(): Library {
  if (loaded !== null) return loaded;
  let zstd;
  try {
    zstd = koffi.load('libzstd.so.1');
  } catch {
    throw new Failure(
      'no-zstd',
      'This is compressed with Zstandard, and the library libzstd.so.1 is not on this machine.',
      'Install it (Debian: apt-get install libzstd1).',
    );
  }
  const { pointer, opaque } = koffi;
  const decoder = pointer(opaque());
  const encoder = pointer(opaque());
  loaded = {
    createDecoder: zstd.func('ZSTD_createDStream', decoder, []),
    freeDecoder: zstd.func('ZSTD_freeDStream', 'size_t', [decoder]),
    setDecoder: zstd.func('ZSTD_DCtx_setParameter', 'size_t', [decoder, 'int', 'int']),
    decode: zstd.func('ZSTD_decompressStream', 'size_t', [decoder, 'void *', 'void *']),
    createEncoder: zstd.func('ZSTD_createCCtx', encoder, []),
    freeEncoder: zstd.func('ZSTD_freeCCtx', 'size_t', [encoder]),
    setEncoder: zstd.func('ZSTD_CCtx_setParameter', 'size_t', [encoder, 'int', 'int']),
    pledge: zstd.func('ZSTD_CCtx_setPledgedSrcSize', 'size_t', [encoder, 'uint64_t']),
    encode: zstd.func('ZSTD_compressStream2', 'size_t', [encoder, 'void *', 'void *', 'int']),
    isError: zstd.func('ZSTD_isError', 'uint', ['size_t']),
    errorName: zstd.func('ZSTD_getErrorName', 'str', ['size_t']),
  };
  return loaded;
}

const PIECE = 1 << 18;

/** ZSTD_inBuffer and ZSTD_outBuffer: a pointer, the size, the position. */
class Window {
  readonly struct = Buffer.alloc(24);

  set(bytes: Uint8Array): void {
    this.struct.writeBigUInt64LE(BigInt(koffi.address(bytes)), 0);
    this.struct.writeBigUInt64LE(BigInt(bytes.length), 8);
    this.struct.writeBigUInt64LE(0n, 16);
  }

  get position(): number {
    return Number(this.struct.readBigUInt64LE(16));
  }
}

/** What libzstd says of a stream that it cannot read; the caller knows whose. */
export class ZstdError extends Error {
  override readonly name = 'ZstdError';
}

/** @param result a size, or an error as one of the largest sizes, which no double holds exactly */
function checked(result: number | bigint): number {
  if (library().isError(result) !== 0) throw new ZstdError(library().errorName(result));
  return Number(result);
}

const D_WINDOW_LOG_MAX = 100;
/** 128 MiB, as zstd(1) and Go's readers take without being asked for more. */
const MOST_WINDOW_LOG = 27;

/** Decompresses frames, one behind the other; skippable ones are passed over. To be closed. */
export class ZstdDecoder {
  private stream: unknown = library().createDecoder();
  private readonly input = new Window();
  private readonly output = new Window();
  private hint = 0;

  constructor() {
    checked(library().setDecoder(this.stream, D_WINDOW_LOG_MAX, MOST_WINDOW_LOG));
  }

  /** What comes of a piece of input. @throws ZstdError */
  *decode(bytes: Uint8Array): Generator<Buffer> {
    this.input.set(bytes);
    for (;;) {
      const piece = Buffer.allocUnsafeSlow(PIECE);
      this.output.set(piece);
      this.hint = checked(library().decode(this.stream, this.output.struct, this.input.struct));
      const count = this.output.position;
      if (count > 0) yield piece.subarray(0, count);
      if (this.input.position === bytes.length && count < PIECE) return;
    }
  }

  /** Whether the input so far ends with a frame. */
  get isWhole(): boolean {
    return this.hint === 0;
  }

  close(): void {
    if (this.stream !== null) library().freeDecoder(this.stream);
    this.stream = null;
  }
}

const C_LEVEL = 100;
const C_CHECKSUM = 201;
const E_CONTINUE = 0;
const E_END = 2;

/** What the bytes that an encoder makes depend on. */
export interface ZstdSettings {
  readonly level: number;
  /** Whether the frame ends with a checksum of the content. */
  readonly checksum: boolean;
  /** Bytes of the content, which the frame's header then tells; null to leave that open. */
  readonly contentBytes: number | null;
}

/** Compresses to one frame. To be closed. */
export class ZstdEncoder {
  private stream: unknown = library().createEncoder();
  private readonly input = new Window();
  private readonly output = new Window();

  constructor({ level, checksum, contentBytes }: ZstdSettings) {
    checked(library().setEncoder(this.stream, C_LEVEL, level));
    checked(library().setEncoder(this.stream, C_CHECKSUM, checksum ? 1 : 0));
    if (contentBytes !== null) checked(library().pledge(this.stream, contentBytes));
  }

  *encode(bytes: Uint8Array): Generator<Buffer> {
    this.input.set(bytes);
    while (this.input.position < bytes.length) yield* this.step(E_CONTINUE);
  }

  *end(): Generator<Buffer> {
    this.input.set(EMPTY);
    for (;;) {
      const left = yield* this.step(E_END);
      if (left === 0) return;
    }
  }

  close(): void {
    if (this.stream !== null) library().freeEncoder(this.stream);
    this.stream = null;
  }

  private *step(directive: number): Generator<Buffer, number> {
    const piece = Buffer.allocUnsafeSlow(PIECE);
    this.output.set(piece);
    const left = checked(library().encode(this.stream, this.output.struct, this.input.struct, directive));
    if (this.output.position > 0) yield piece.subarray(0, this.output.position);
    return left;
  }
}

const EMPTY = Buffer.alloc(1).subarray(0, 0);
