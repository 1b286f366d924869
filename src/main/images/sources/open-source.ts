// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { printImageName, type ImageName } from '../image-name';
import { printReference, type Reference } from '../references';
import type { ImageSource } from '../source';
import { raw } from '../store/durable';
import type { Store } from '../store/store';
import { ArchiveFiles, type Spool } from './archive-files';
import { ContainersStorage } from './containers-storage';
import { Containerd } from './containerd';
import { openDockerArchive } from './docker-archive';
import { DockerOverlay2 } from './docker-overlay2';
import { FolderFiles } from './folder-files';
import { openFound } from './found-source';
import { OciLayoutSource } from './oci-layout';
import type { FileSet } from './file-set';
import { thisUser } from './storage-conf';

/** What opening a source may need. */
export interface SourceContext {
  /** Has the room for what has to be unpacked to be read. */
  readonly store: Store;
  /** Opens an image of a registry. */
  readonly registry: (name: ImageName, signal: AbortSignal) => Promise<ImageSource>;
  readonly signal: AbortSignal;
}

/**
 * Opens what a reference names. A path is looked at: it may be a layout or an archive. A bare name is one of a registry,
 * and a short one is refused: which registry it is of would be a guess.
 * @throws Failure that says what is wrong with it
 */
export async function openSource(reference: Reference, context: SourceContext): Promise<ImageSource> {
  const { signal } = context;
  const notation = printReference(reference);
  switch (reference.transport) {
    case 'oci':
      return OciLayoutSource.open(new FolderFiles(reference.path), notation, reference.tag);
    case 'oci-archive': {
      const files = await openArchive(reference.path, context);
      return closingOnFailure(files, () => OciLayoutSource.open(files, notation, reference.tag));
    }
    case 'docker-archive': {
      const files = await openArchive(reference.path, context);
      return closingOnFailure(files, () => openDockerArchive(files, notation, reference.tag, signal));
    }
    case 'docker':
      return context.registry(reference.name, signal);
    case 'containers-storage':
      return openFound(await ContainersStorage.open(thisUser(), reference.store).image(reference.name), signal);
    case 'docker-daemon':
      return openFound(await new DockerOverlay2().image(reference.name), signal);
    case 'containerd':
      return new Containerd().source(reference.name);
    case 'name':
      if (reference.isShort) throw shortName(reference.name);
      return context.registry(reference.name, signal);
    case 'path':
      return openSource(await probe(reference.path, context), context);
  }
}

/** What a file or folder is. */
async function probe(path: ByteString, context: SourceContext): Promise<Reference> {
  const found = await stat(raw(path)).catch(() => null);
  if (!found) throw new Failure('ENOENT', `${display(path)} does not exist.`, 'Check the path of the image.');
  const files = found.isDirectory() ? new FolderFiles(path) : await openArchive(path, context);
  try {
    const isLayout = (await files.size('oci-layout')) !== null;
    if (found.isDirectory() && isLayout) return { transport: 'oci', path, tag: null };
    // Docker's archives hold a layout beside their own manifest, and are then read as such in any case.
    if (!found.isDirectory() && (await files.size('manifest.json')) !== null)
      return { transport: 'docker-archive', path, tag: null };
    if (!found.isDirectory() && isLayout) return { transport: 'oci-archive', path, tag: null };
  } finally {
    await files.close();
  }
  throw new Failure(
    'not-an-image',
    `${display(path)} is no image: it has neither an oci-layout nor a manifest.json.`,
    'An unpacked layer can be added to a composition as it is. A root file system as a tar has to be unpacked first.',
  );
}

const openArchive = (path: ByteString, { store, signal }: SourceContext): Promise<ArchiveFiles> =>
  ArchiveFiles.open(path, () => spoolIn(store), signal);

async function spoolIn(store: Store): Promise<Spool> {
  const hold = await store.hold();
  return { path: store.layout.newTemporary(), release: () => hold.release() };
}

async function closingOnFailure(files: FileSet, open: () => Promise<ImageSource>): Promise<ImageSource> {
  try {
    return await open();
  } catch (error) {
    await files.close();
    throw error;
  }
}

const shortName = (name: ImageName): Failure =>
  new Failure(
    'short-name',
    'The name has no registry, and Lamina does not guess which one is meant.',
    `Write docker://${printImageName(name)} for the one on Docker Hub, or the full name. A file or folder begins with “/” or “./”.`,
  );
