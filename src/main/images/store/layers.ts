// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import { syncFileSystemLater } from '../../system/file-content';
import { closeFile, O_DIRECTORY, O_RDONLY, openPath } from '../../system/files';
import { jsonBytes, publish, raw, replaceFile } from './durable';
import { discardTree } from './discard-tree';
import { LAYER_FORMS, type LayerForm } from './layer-form';
import type { StoreLayout } from './layout';
import { readLayerRecord, type KnownBlob, type LayerRecord } from './records';

/** Paths of an unpacked layer. */
export interface LayerPaths {
  /** Ready to stand in a lowerdir. */
  readonly folder: ByteString;
  readonly tarSplit: ByteString;
  readonly record: ByteString;
}

const pathsIn = (folder: ByteString): LayerPaths => ({
  folder: `${folder}/diff`,
  tarSplit: `${folder}/tar-split`,
  record: `${folder}/layer.json`,
});

/** A place where a layer is being unpacked, and nobody sees it. */
export interface LayerWork extends LayerPaths {
  readonly home: ByteString;
}

/** The unpacked layers of a store, each a folder under its diff id and form. */
export class Layers {
  constructor(private readonly layout: StoreLayout) {}

  paths(diffId: Digest, form: LayerForm): LayerPaths {
    return pathsIn(this.layout.layer(diffId, form));
  }

  /** The record of a layer; null where it is not there. */
  find(diffId: Digest, form: LayerForm): LayerRecord | null {
    return readLayerRecord(this.paths(diffId, form).record);
  }

  /** All layers that have a record, in no order. */
  list(): LayerRecord[] {
    return LAYER_FORMS.flatMap((form) => {
      const home = `${this.layout.layers}/${form}`;
      return namesIn(home).flatMap((name) => readLayerRecord(pathsIn(`${home}/${name}`).record) ?? []);
    });
  }

  /** An empty place for a layer. */
  begin(): LayerWork {
    const home = this.layout.newTemporary();
    const paths = pathsIn(home);
    mkdirSync(raw(home), { mode: 0o700 });
    mkdirSync(raw(paths.folder), { mode: 0o755 });
    return { home, ...paths };
  }

  /** Makes a place empty again. */
  empty(work: LayerWork): void {
    discardTree(work.folder);
    rmSync(raw(work.tarSplit), { force: true });
    mkdirSync(raw(work.folder), { mode: 0o755 });
  }

  /** Writes the record of a whole layer, and sees to it that all of it, and what else the store was given, is on disk. */
  async sync(work: LayerWork, record: LayerRecord): Promise<void> {
    writeFileSync(raw(work.record), jsonBytes(record), { mode: 0o600 });
    const fd = openPath(work.folder, O_RDONLY | O_DIRECTORY);
    try {
      await syncFileSystemLater(fd, work.folder);
    } finally {
      closeFile(fd);
    }
  }

  /** Puts a layer that was synced under its name; the lock of that name must be held. */
  publish(work: LayerWork, record: LayerRecord): void {
    const home = this.layout.layer(record.diffId, record.form);
    // One without a readable record is no layer, and would be in the way.
    this.removeAt(home);
    publish(work.home, home);
  }

  /** Notes a further compressed form of a layer that is there; the lock of its name must be held. */
  addBlob(record: LayerRecord, blob: KnownBlob): void {
    const { record: path } = this.paths(record.diffId, record.form);
    replaceFile(this.layout.temporary, path, jsonBytes({ ...record, blobs: [...record.blobs, blob] }));
  }

  /** Forgets a place without publishing it. */
  abandon(work: LayerWork): void {
    discardTree(work.home);
  }

  /** Takes a layer's folder away: out of sight at once, then file by file. */
  removeAt(path: ByteString): void {
    const aside = this.layout.newTemporary();
    try {
      publish(path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    discardTree(aside);
  }
}

/** Names in a folder of the store, none where it is not there. */
export function namesIn(folder: ByteString): ByteString[] {
  try {
    return readdirSync(raw(folder), { encoding: 'latin1' as BufferEncoding }) as ByteString[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
