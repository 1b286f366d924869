// SPDX-License-Identifier: MIT
import { headerNumber, paxNumber } from './numbers';
import type { PaxRecords } from './pax';
import { SPARSE_MAP } from './pax';
import { badTar } from './tar-error';

/** A run of bytes that the archive stores; between runs the file has holes. */
export interface DataRun {
  readonly offset: number;
  readonly length: number;
}

/** A file stored without its holes (GNU tar's manual, "Storing Sparse Files"). */
export interface SparseMap {
  readonly runs: readonly DataRun[];
  /** Bytes of the file with its holes. */
  readonly size: number;
}

const OLD_MAP_AT = 386;
const OLD_ENTRIES = 4;
const EXTENDED_AT = 482;
const REAL_SIZE_AT = 483;
const EXTENSION_ENTRIES = 21;
const EXTENSION_MORE_AT = 504;
const ENTRY = 24;

/** Runs of a header block of GNU's old format, and whether a block with more of them follows. */
export function oldSparseRuns(block: Buffer): {
  readonly runs: DataRun[];
  readonly more: boolean;
  readonly size: number;
} {
  return {
    runs: runsIn(block, OLD_MAP_AT, OLD_ENTRIES),
    more: block[EXTENDED_AT] !== 0,
    size: headerNumber(block, REAL_SIZE_AT, 12, 'realsize'),
  };
}

/** … of one of the blocks that follow. */
export function extensionRuns(block: Buffer): { readonly runs: DataRun[]; readonly more: boolean } {
  return { runs: runsIn(block, 0, EXTENSION_ENTRIES), more: block[EXTENSION_MORE_AT] !== 0 };
}

function runsIn(block: Buffer, at: number, count: number): DataRun[] {
  const runs: DataRun[] = [];
  for (let i = 0; i < count; i++, at += ENTRY) {
    if (block[at] === 0) break;
    runs.push({
      offset: headerNumber(block, at, 12, 'sparse offset'),
      length: headerNumber(block, at + 12, 12, 'sparse numbytes'),
    });
  }
  return runs;
}

/** Which sparse format of GNU the PAX records tell: a map in the records (0.0, 0.1), or before the data (1.0). */
export function paxSparseKind(records: PaxRecords): 'records' | 'data' | null {
  const major = records.get('GNU.sparse.major');
  const minor = records.get('GNU.sparse.minor');
  if (major === '1' && minor === '0') return 'data';
  if (major === '0' && (minor === '0' || minor === '1')) return 'records';
  if (major !== undefined || minor !== undefined) return null;
  return records.has(SPARSE_MAP) ? 'records' : null;
}

/** The size of the file with its holes, as the records tell it; null where they do not. */
export function paxSparseSize(records: PaxRecords): number | null {
  const size = records.get('GNU.sparse.size') ?? records.get('GNU.sparse.realsize');
  return size === undefined ? null : paxNumber(size, 'GNU.sparse.size');
}

/** The runs of a map in PAX records. */
export function recordRuns(records: PaxRecords): DataRun[] {
  const map = records.get(SPARSE_MAP) ?? '';
  const numbers = map === '' ? [] : map.split(',').map((text) => paxNumber(text, SPARSE_MAP));
  const count = paxNumber(records.get('GNU.sparse.numblocks') ?? '', 'GNU.sparse.numblocks');
  if (numbers.length !== 2 * count) badTar('its sparse map has not as many runs as it says');
  return pairs(numbers);
}

/** Takes the map of format 1.0, decimal numbers a line each, out of the blocks before the data. */
export class DataMapParser {
  private text = '';
  private lines = 0;

  /** @returns the runs when this block was the last of the map, else null */
  add(block: Buffer): DataRun[] | null {
    const text = block.toString('latin1');
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.lines++;
    this.text += text;
    if (this.lines === 0) return badTar('its sparse map does not say how many runs it has');
    const count = paxNumber(this.text.slice(0, this.text.indexOf('\n')), 'sparse map');
    if (count < 0) badTar('its sparse map is contradictory');
    if (this.lines < 1 + 2 * count) return null;
    const lines = this.text.split('\n', 1 + 2 * count).slice(1);
    return pairs(lines.map((line) => paxNumber(line, 'sparse map')));
  }
}

function pairs(numbers: readonly number[]): DataRun[] {
  const runs: DataRun[] = [];
  for (let i = 0; i + 1 < numbers.length; i += 2) runs.push({ offset: numbers[i]!, length: numbers[i + 1]! });
  return runs;
}

/**
 * Refuses runs that overlap, go backwards or end past the file, and drops empty ones, which only tell the size.
 * @param stored bytes that the archive has for the runs
 */
export function checkedMap(runs: readonly DataRun[], size: number, stored: number): SparseMap {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of runs) {
    if (offset < end || length < 0 || offset + length > size || !Number.isSafeInteger(offset + length))
      badTar('its sparse map is contradictory');
    end = offset + length;
    sum += length;
  }
  if (sum !== stored) badTar(`its sparse map speaks of ${sum} bytes, and ${stored} are stored`);
  return { runs: runs.filter(({ length }) => length > 0), size };
}
