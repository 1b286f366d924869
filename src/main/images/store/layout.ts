// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { bytesOf, display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { isFullRoot } from '../../system/privilege';
import { jsonBytes, raw, replaceFile } from './durable';
import type { LayerForm } from './layer-form';

/** Format of the store that this program reads and writes. */
const VERSION = 1;

/**
 * The folders of a store:
 *
 *     lamina-store.json            which version of this layout
 *     lock                         shared by all who work in it, exclusive to who throws away
 *     locks/NAME                   one for each blob or layer that is being fetched
 *     blobs/ALGORITHM/HEX          manifests, configurations, and compressed layers that cannot be made again
 *     layers/FORM/HEX/             an unpacked layer, by its diff id: diff/, tar-split, layer.json
 *     images/HEX.json              an image, by the digest of its manifest
 *     references.json              the names of images
 *     partial/HEX                  a blob of which not all has come yet
 *     temporary/                   what is not whole yet: of nobody, when nobody has the lock
 */
export class StoreLayout {
  readonly lock: ByteString;
  readonly locks: ByteString;
  readonly blobs: ByteString;
  readonly layers: ByteString;
  readonly images: ByteString;
  readonly references: ByteString;
  readonly partial: ByteString;
  readonly temporary: ByteString;
  readonly version: ByteString;

  constructor(readonly folder: ByteString) {
    this.lock = `${folder}/lock`;
    this.locks = `${folder}/locks`;
    this.blobs = `${folder}/blobs`;
    this.layers = `${folder}/layers`;
    this.images = `${folder}/images`;
    this.references = `${folder}/references.json`;
    this.partial = `${folder}/partial`;
    this.temporary = `${folder}/temporary`;
    this.version = `${folder}/lamina-store.json`;
  }

  blob(digest: Digest): ByteString {
    return `${this.blobs}/${digest.replace(':', '/')}`;
  }
  layer(diffId: Digest, form: LayerForm): ByteString {
    return `${this.layers}/${form}/${hexOf(diffId)}`;
  }
  image(manifest: Digest): ByteString {
    return `${this.images}/${hexOf(manifest)}.json`;
  }
  partialBlob(digest: Digest): ByteString {
    return `${this.partial}/${hexOf(digest)}`;
  }
  lockOf(name: string): ByteString {
    return `${this.locks}/${name}`;
  }
  /** A name in `temporary` that nobody has. */
  newTemporary(): ByteString {
    return `${this.temporary}/${randomBytes(8).toString('hex')}`;
  }

  /** Makes what is missing of the folders. */
  makeFolders(): void {
    for (const path of [this.folder, this.blobs, this.layers, this.images, this.partial, this.temporary, this.locks])
      mkdirSync(raw(path), { recursive: true, mode: 0o700 });
  }

  /**
   * Whether the store is one that this program can use; false for a folder that is none yet.
   * @throws Failure where it is the store of another version of Lamina
   */
  isReady(): boolean {
    const found = this.#readVersion();
    if (found !== null && found !== VERSION) throw otherVersion(this.folder, found);
    return found !== null;
  }

  /** Makes the folder a store. The caller alone has its lock. */
  begin(): void {
    replaceFile(this.temporary, this.version, jsonBytes({ version: VERSION }));
  }

  #readVersion(): unknown {
    try {
      return (JSON.parse(readFileSync(raw(this.version), 'utf8')) as { version?: unknown }).version ?? 'unknown';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      return 'unknown';
    }
  }
}

/** The part of a digest that names files: of the two algorithms it has another length, and so is enough. */
export const hexOf = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1);

/** The store of this user: `LAMINA_STORE`, or the place where the XDG base directories have it. */
export function defaultStoreFolder(environment: NodeJS.ProcessEnv = process.env): ByteString {
  const { LAMINA_STORE: chosen, XDG_DATA_HOME: data } = environment;
  if (chosen) return bytesOf(chosen);
  if (isFullRoot()) return '/var/lib/lamina/images';
  // XDG basedir-spec: one that is not absolute is to be passed over.
  return bytesOf(`${data?.startsWith('/') ? data : `${homedir()}/.local/share`}/lamina/images`);
}

const otherVersion = (folder: ByteString, found: unknown): Failure =>
  new Failure(
    'store-version',
    `The image store ${display(folder)} has version ${String(found)}, this Lamina reads version ${VERSION}.`,
    'Use the Lamina that made it, or another folder: --store DIR.',
  );
