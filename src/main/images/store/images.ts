// SPDX-License-Identifier: MIT
import { rmSync } from 'node:fs';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { display } from '@shared/bytes';
import { jsonBytes, raw, replaceFile, syncFolder } from './durable';
import { namesIn } from './layers';
import type { StoreLayout } from './layout';
import { takeLock } from './locks';
import { readImageRecord, readReferences, type ImageRecord, type References } from './records';

/** The records of images and their names. */
export class ImageRecords {
  constructor(private readonly layout: StoreLayout) {}

  /** All images, whether they have a name or not; unreadable records are passed over. */
  list(): ImageRecord[] {
    return namesIn(this.layout.images).flatMap((name) => readImageRecord(`${this.layout.images}/${name}`) ?? []);
  }

  find(manifest: Digest): ImageRecord | null {
    return readImageRecord(this.layout.image(manifest));
  }

  /** The names of images. Throws a Failure where the file that has them cannot be read. */
  references(): References {
    const { references: path } = this.layout;
    const found = readReferences(path);
    if (found) return found;
    // A new store has none. One that is damaged is not taken for empty: all its images would be garbage.
    if (!namesIn(this.layout.folder).includes('references.json')) return { names: {}, unnamed: [] };
    throw new Failure(
      'damaged-store',
      `The names of the image store cannot be read: ${display(path)}.`,
      'Restore the file from a backup, or move it away: the images then have no names until they are imported again.',
    );
  }

  /**
   * Adds an image, or replaces its record, and gives it names. Without any it is kept unnamed, unless it has names
   * already.
   */
  async put(record: ImageRecord, names: readonly string[], signal?: AbortSignal): Promise<void> {
    const { digest } = record.manifest;
    await this.#change(signal, (references) => {
      replaceFile(this.layout.temporary, this.layout.image(digest), jsonBytes(record));
      return named(references, digest, names);
    });
  }

  /** Gives a name to an image; another one that had it loses it. */
  async tag(manifest: Digest, name: string): Promise<void> {
    await this.#change(undefined, (references) => named(references, manifest, [name]));
  }

  /** Takes a name away. False where nothing has it. An image that loses its last name is garbage. */
  async untag(name: string): Promise<boolean> {
    let isThere = false;
    await this.#change(undefined, (references) => {
      isThere = name in references.names;
      return { ...references, names: without(references.names, (it) => it === name) };
    });
    return isThere;
  }

  /** Takes all names of an image away. */
  async forget(manifest: Digest): Promise<void> {
    await this.#change(undefined, ({ names, unnamed }) => ({
      names: without(names, (_, digest) => digest === manifest),
      unnamed: unnamed.filter((digest) => digest !== manifest),
    }));
  }

  /** Takes the record of a forgotten image away. */
  drop(manifest: Digest): void {
    rmSync(raw(this.layout.image(manifest)), { force: true });
    syncFolder(this.layout.images);
  }

  async #change(signal: AbortSignal | undefined, change: (references: References) => References): Promise<void> {
    const lock = await takeLock(this.layout.lockOf('references'), 'exclusive', signal);
    try {
      const changed = change(this.references());
      replaceFile(this.layout.temporary, this.layout.references, jsonBytes(changed));
    } finally {
      lock.release();
    }
  }
}

function named({ names, unnamed }: References, digest: Digest, added: readonly string[]): References {
  const all = { ...names };
  for (const name of added) all[name] = digest;
  const hasName = Object.values(all).includes(digest);
  const rest = unnamed.filter((it) => it !== digest);
  return { names: all, unnamed: hasName ? rest : [...rest, digest] };
}

const without = (names: References['names'], isGone: (name: string, digest: Digest) => boolean): References['names'] =>
  Object.fromEntries(Object.entries(names).filter(([name, digest]) => !isGone(name, digest)));
