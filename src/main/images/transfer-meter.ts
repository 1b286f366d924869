// SPDX-License-Identifier: MIT
import type { Digest, TransferItem, TransferProgress, TransferState } from '@shared/images';

const PERIOD_MS = 100;
/** Over how long the rate is taken. */
const WINDOW_MS = 3000;

interface Item {
  readonly digest: Digest;
  readonly what: TransferItem['what'];
  state: TransferState;
  bytes: number;
  total: number | null;
  files: number;
}

/** One blob or layer, as who transfers it tells of it. */
export interface MeterItem {
  start(total?: number): void;
  /** Bytes that came or went, beside those before. */
  addBytes(count: number): void;
  /** Entries so far. */
  setFiles(count: number): void;
  /** `exists`: there was nothing to do. */
  end(state: 'exists' | 'done'): void;
  /** Begins anew. */
  reset(): void;
}

/** Adds up a transfer, and tells of it at most ten times a second and once more at its end. */
export class TransferMeter {
  readonly #items: Item[] = [];
  readonly #samples: { at: number; bytes: number }[] = [];
  #moved = 0;
  #said = -Infinity;

  /**
   * @param say   told how far it is
   * @param clock milliseconds, for tests
   */
  constructor(
    private readonly say: (progress: TransferProgress) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Adds what is to be transferred. */
  item(digest: Digest, what: TransferItem['what'], total: number | null): MeterItem {
    const item: Item = { digest, what, state: 'waiting', bytes: 0, total, files: 0 };
    this.#items.push(item);
    return {
      start: (size) => {
        item.state = 'running';
        if (size !== undefined) item.total = size;
        this.#tell();
      },
      addBytes: (count) => {
        item.bytes += count;
        this.#moved += count;
        this.#tell();
      },
      setFiles: (count) => {
        item.files = count;
        this.#tell();
      },
      end: (state) => {
        item.state = state;
        item.total ??= item.bytes;
        this.#tell();
      },
      reset: () => {
        item.bytes = 0;
        item.files = 0;
      },
    };
  }

  /** Tells for the last time. */
  end(): void {
    this.say(this.progress());
  }

  progress(): TransferProgress {
    // What is there already is no work: neither its bytes nor its size count.
    const work = this.#items.filter(({ state }) => state !== 'exists');
    const bytes = work.reduce((sum, item) => sum + item.bytes, 0);
    const isKnown = work.every(({ total }) => total !== null);
    const total = isKnown ? work.reduce((sum, item) => sum + item.total!, 0) : null;
    const rate = this.#rate();
    return {
      items: this.#items.map((item) => ({ ...item })),
      bytes,
      total,
      files: work.reduce((sum, { files }) => sum + files, 0),
      rate,
      secondsLeft: total === null || rate <= 0 ? null : Math.max(0, (total - bytes) / rate),
    };
  }

  #tell(): void {
    const now = this.clock();
    if (now - this.#said < PERIOD_MS) return;
    this.#said = now;
    this.#samples.push({ at: now, bytes: this.#moved });
    while (this.#samples.length > 2 && now - this.#samples[1]!.at >= WINDOW_MS) this.#samples.shift();
    this.say(this.progress());
  }

  #rate(): number {
    const [first] = this.#samples;
    const span = first ? this.clock() - first.at : 0;
    return span > 0 ? ((this.#moved - first!.bytes) * 1000) / span : 0;
  }
}
