// SPDX-License-Identifier: MIT
import { writeSync } from 'node:fs';
import { formatSize } from '@shared/format-size';
import type { TransferItem, TransferProgress } from '@shared/images';

/** Lines of single blobs that a terminal shows at a time; the sum stands below them. */
const MOST_LINES = 6;
const BAR = 20;
const SHORT = 'sha256:'.length + 12;

const shortOf = ({ digest }: TransferItem): string => digest.slice(0, SHORT);

function barOf(bytes: number, total: number | null): string {
  if (total === null || total === 0) return ''.padEnd(BAR);
  const filled = Math.min(BAR, Math.round((bytes / total) * BAR));
  return '='.repeat(filled).padEnd(BAR);
}

const ofTotal = (bytes: number, total: number | null): string =>
  total === null ? formatSize(bytes) : `${formatSize(bytes)} of ${formatSize(total)}`;

function itemLine(item: TransferItem): string {
  const files = item.files > 0 ? `, ${item.files} files` : '';
  return `${shortOf(item)} [${barOf(item.bytes, item.total)}] ${ofTotal(item.bytes, item.total)}${files}`;
}

/** `12 MB of 98 MB, 31 MB/s, 3 s left`. */
function sumLine({ bytes, total, files, rate, secondsLeft }: TransferProgress): string {
  return [
    ofTotal(bytes, total),
    ...(files > 0 ? [`${files} files`] : []),
    ...(rate > 0 ? [`${formatSize(rate)}/s`] : []),
    ...(secondsLeft === null ? [] : [`${Math.ceil(secondsLeft)} s left`]),
  ].join(', ');
}

/**
 * Tells on stderr how far a transfer is: on a terminal in a few lines that are drawn again and again, else in a line for
 * each blob that is through.
 */
export class ProgressPrinter {
  private drawn = 0;
  private readonly told = new Set<string>();

  /** @param isTerminal whether stderr can be drawn on */
  constructor(
    private readonly isTerminal = process.stderr.isTTY === true,
    private readonly write: (text: string) => void = (text) => void writeSync(2, text),
    private readonly columns = process.stderr.columns ?? 80,
  ) {}

  readonly show = (progress: TransferProgress): void => {
    if (this.isTerminal) this.draw(progress);
    else this.tell(progress);
  };

  /** Takes the drawing away: what was transferred is told by who did it. */
  end(): void {
    if (this.drawn > 0) this.write(`\x1b[${this.drawn}A\x1b[J`);
    this.drawn = 0;
  }

  private draw(progress: TransferProgress): void {
    const running = progress.items.filter(({ state }) => state === 'running');
    const lines = [...running.slice(0, MOST_LINES).map(itemLine), sumLine(progress)];
    const shown = lines.map((line) => `${line.slice(0, this.columns - 1)}\x1b[K\n`).join('');
    this.write(`${this.drawn > 0 ? `\x1b[${this.drawn}A` : ''}${shown}\x1b[J`);
    this.drawn = lines.length;
  }

  private tell({ items }: TransferProgress): void {
    for (const item of items) {
      if ((item.state !== 'done' && item.state !== 'exists') || this.told.has(item.digest)) continue;
      this.told.add(item.digest);
      const what = item.state === 'exists' ? 'there already' : formatSize(item.bytes);
      this.write(`${item.what} ${shortOf(item)}: ${what}\n`);
    }
  }
}
