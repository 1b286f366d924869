// SPDX-License-Identifier: MIT
import type { LayerSpace } from '@shared/analysis';
import type { LayerName } from './layer-names';
import type { StoredFiles } from './stored-files';

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Counts = Writable<Omit<LayerSpace, 'hides'>>;

/** What is counted of a layer while it is walked. */
export class LayerCounts {
  private readonly counts: Counts;

  constructor(layer: number) {
    this.counts = {
      layer,
      addedBytes: 0,
      files: 0,
      directories: 0,
      others: 0,
      whiteouts: 0,
      opaques: 0,
      metacopies: 0,
      hiddenBytes: 0,
    };
  }

  see({ kind, opaque }: LayerName): void {
    const { counts } = this;
    if (opaque) counts.opaques++;
    if (kind === 'whiteout') counts.whiteouts++;
    else if (kind === 'directory') counts.directories++;
    else if (kind === 'file') counts.files++;
    else if (kind === 'metacopy') counts.metacopies++;
    else counts.others++;
  }

  store(bytes: number): void {
    this.counts.addedBytes += bytes;
  }

  get result(): Omit<LayerSpace, 'hides'> {
    return this.counts;
  }
}

/** The layers' counts, with what each hides of the others. */
export function layerSpaces(counted: readonly LayerCounts[], files: StoredFiles): LayerSpace[] {
  const spaces = counted.map(({ result }) => ({
    ...result,
    hides: { overwritten: 0, deleted: 0, copied: 0 },
  }));
  for (let file = 0; file < files.count; file++) {
    const hiding = files.hidingOf(file);
    if (!hiding) continue;
    const bytes = files.bytes.get(file);
    spaces[files.layer.get(file)]!.hiddenBytes += bytes;
    spaces[hiding.by]!.hides[hiding.how] += bytes;
  }
  return spaces;
}
