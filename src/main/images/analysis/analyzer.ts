// SPDX-License-Identifier: MIT
import type { Analysis, AnalysisProgress, AnalysisTotals, Duplicates, StoredFile } from '@shared/analysis';
import type { ByteString } from '@shared/bytes';
import { openLayer, type Layer } from '../../layers/layer';
import { DirectoryCache, RealDirectory } from '../../layers/real-directory';
import { inodeKey } from '../../overlay/inode-key';
import { closeFile } from '../../system/files';
import { NONE, PathTable, ROOT } from '../path-table';
import { EfficiencyCount } from './efficiency';
import { layerNames, type LayerName } from './layer-names';
import { LayerCounts, layerSpaces } from './layer-space';
import { contentGroups, SameContents } from './same-contents';
import { StoredFiles } from './stored-files';
import { VisibleTree } from './visible-tree';

const OPEN_DIRECTORIES = 256;
/** Names looked at between two pauses. */
const SLICE = 64;
/** Lists of single files end after so many: nobody reads on, and they must fit in memory. */
const LIST_LIMIT = 10_000;

/** Of names in one order, that of their tar: a whiteout is written `.wh.NAME` there. */
const tarName = ({ kind, name }: LayerName): ByteString => (kind === 'whiteout' ? `.wh.${name}` : name);

/** Looks through the layers of a stack, once. Close it when done. */
export class Analyzer {
  readonly table = new PathTable();
  readonly files = new StoredFiles(this.table);
  readonly visible = new VisibleTree(this.table, this.files);
  readonly #efficiency = new EfficiencyCount(this.table);
  readonly #layers: Layer[] = [];
  readonly #cache = new DirectoryCache(OPEN_DIRECTORIES);
  readonly #counts: LayerCounts[] = [];
  readonly #contents: SameContents;
  #phase: AnalysisProgress['phase'] = 'walking';
  #names = 0;

  /**
   * @param folders the layers' folders, the lowest first
   * @throws Failure that names the folder that cannot be read
   */
  constructor(folders: readonly ByteString[]) {
    try {
      for (const folder of folders) this.#layers.push(openLayer(folder, this.#layers.length, 'lower'));
    } catch (error) {
      this.close();
      throw error;
    }
    this.#contents = new SameContents(this.#layers, this.table, this.files);
  }

  get progress(): AnalysisProgress {
    const { bytes, total } = this.#contents.progress;
    return { phase: this.#phase, names: this.#names, bytes, total };
  }

  /** Does all of it, in slices. Throws a SystemError where a layer cannot be read. */
  *run(): Generator<void, void> {
    for (const layer of this.#layers) {
      this.#counts.push(new LayerCounts(layer.index));
      this.#efficiency.startLayer();
      yield* this.#walk(layer.root, ROOT, new Map());
    }
    this.#phase = 'comparing';
    yield* this.#contents.run();
  }

  totals(): AnalysisTotals {
    const layers = layerSpaces(this.#counts, this.files);
    const storedBytes = layers.reduce((sum, { addedBytes }) => sum + addedBytes, 0);
    const hidden = layers.reduce((sum, { hiddenBytes }) => sum + hiddenBytes, 0);
    return {
      layers,
      efficiency: this.#efficiency.result().efficiency,
      storedBytes,
      visibleBytes: storedBytes - hidden,
      spareBytes: this.duplicates().reduce((sum, { spare }) => sum + spare, 0),
      unreadable: this.#contents.progress.unreadable,
    };
  }

  result(): Analysis {
    return {
      ...this.totals(),
      inefficient: this.#efficiency.result().inefficient,
      biggest: this.#listed(() => true),
      hidden: this.#listed((file) => this.files.hidingOf(file) !== null),
      duplicates: this.duplicates(),
    };
  }

  duplicates(): Duplicates[] {
    const groups = contentGroups(this.files).map((files) => {
      const bytes = this.files.bytes.get(files[0]!);
      return { bytes, files, spare: bytes * (files.length - 1) };
    });
    groups.sort((a, b) => b.spare - a.spare || b.bytes - a.bytes);
    return groups.map(({ files, ...group }) => ({
      ...group,
      files: files.map((file) => ({
        path: this.table.pathOf(this.files.node.get(file)),
        layer: this.files.layer.get(file),
      })),
    }));
  }

  close(): void {
    this.#cache.close();
    for (const { root } of this.#layers) closeFile(root.fd);
    this.#layers.length = 0;
  }

  /** The largest files that `wanted` takes. */
  #listed(wanted: (file: number) => boolean): StoredFile[] {
    const { bytes } = this.files;
    const found: number[] = [];
    for (let file = 0; file < this.files.count; file++) if (wanted(file)) found.push(file);
    found.sort((a, b) => bytes.get(b) - bytes.get(a) || a - b);
    return found.slice(0, LIST_LIMIT).map((file) => this.files.fileOf(file));
  }

  *#walk(directory: RealDirectory, node: number, linked: Map<string, number>): Generator<void, void> {
    const names = layerNames(this.#cache, directory).sort((a, b) => (tarName(a) < tarName(b) ? -1 : 1));
    const known = this.table.byName(node);
    for (const name of names) {
      if (++this.#names % SLICE === 0) yield;
      this.#counts[directory.layer.index]!.see(name);
      const child = known.get(name.name) ?? this.table.add(node, name.name);
      if (name.kind === 'directory') yield* this.#enter(directory, child, name, linked);
      else this.#put(directory.layer.index, child, name, linked);
    }
  }

  *#enter(above: RealDirectory, node: number, name: LayerName, linked: Map<string, number>): Generator<void, void> {
    const { index } = above.layer;
    const before = this.#names;
    this.visible.putDirectory(node, index, name.opaque);
    yield* this.#walk(new RealDirectory(above.layer, above, name.name), node, linked);
    this.#efficiency.put(node, 0, true, this.#names === before);
  }

  #put(layer: number, node: number, { kind, stat }: LayerName, linked: Map<string, number>): void {
    if (kind === 'whiteout') {
      this.#efficiency.whiteout(node);
      this.visible.whiteout(node, layer);
      return;
    }
    if (kind === 'other') {
      this.#efficiency.put(node, 0, false, true);
      this.visible.putOther(node, layer);
      return;
    }
    if (kind === 'metacopy') {
      this.#efficiency.put(node, 0, false, true);
      this.visible.putMetacopy(node);
      return;
    }
    // In a tar the first name of an inode carries the data, the others are links to it.
    const key = stat.nlink > 1 ? inodeKey(stat) : null;
    const first = key === null ? NONE : (linked.get(key) ?? NONE);
    const bytes = first === NONE ? stat.size : 0;
    const file = first === NONE ? this.files.add(node, layer, bytes) : first;
    if (key !== null) linked.set(key, file);
    this.#counts[layer]!.store(bytes);
    this.#efficiency.put(node, bytes, false, true);
    this.visible.putFile(node, layer, file);
  }
}
