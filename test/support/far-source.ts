// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from 'node:timers/promises';
import type { Descriptor, ImageSource } from '../../src/main/images/source';

/** What a source was asked for: `DIGEST@OFFSET`, and the bytes of layers that it gave. */
export interface Asked {
  readonly opens: string[];
  bytes: number;
}

/** A source on this machine that behaves as one far away: slow, in small pieces, and its blobs worth keeping. */
export function farAway(source: ImageSource, pauseMs: number, asked: Asked = { opens: [], bytes: 0 }): ImageSource {
  const slowly = async function* (from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const PIECE = 32_768;
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        await sleep(pauseMs);
        const piece = chunk.subarray(at, at + PIECE);
        asked.bytes += piece.length;
        yield piece;
      }
    }
  };
  return {
    notation: source.notation,
    references: source.references,
    root: (signal) => source.root(signal),
    read: (descriptor, signal) => source.read(descriptor, signal),
    async open(descriptor: Descriptor, offset: number, signal: AbortSignal) {
      asked.opens.push(`${descriptor.digest}@${offset}`);
      return slowly(await source.open(descriptor, offset, signal));
    },
    close: () => source.close(),
  };
}
