// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { isShortName, parseImageName, printImageName, withDefaultTag, type ImageName } from './image-name';

/** Where an image is or goes, in the notation that users of skopeo know (containers-transports(5)). */
export type Reference =
  | { readonly transport: 'oci' | 'oci-archive'; readonly path: ByteString; readonly tag: string | null }
  /** `tag`: the full name of one image in the archive, or `@N` for the Nth (from 0). */
  | { readonly transport: 'docker-archive'; readonly path: ByteString; readonly tag: string | null }
  | { readonly transport: 'docker'; readonly name: ImageName }
  /** `store`: what stands in the brackets, `[DRIVER@]ROOT[+RUNROOT][:OPTIONS]`; `name`: a name or an id. */
  | { readonly transport: 'containers-storage'; readonly store: StorePlace | null; readonly name: string }
  /** An image of this machine's Docker (a name or id) or containerd (`[NAMESPACE/]NAME`). */
  | { readonly transport: 'docker-daemon' | 'containerd'; readonly name: string }
  /** A file or folder: what it is has to be looked at. */
  | { readonly transport: 'path'; readonly path: ByteString }
  /** A bare name; `isShort`: it names no registry, and none may be guessed without saying so. */
  | { readonly transport: 'name'; readonly name: ImageName; readonly isShort: boolean };

/** A store of containers/storage other than the one that storage.conf names. */
export interface StorePlace {
  readonly driver: string | null;
  readonly root: ByteString;
  readonly runRoot: ByteString | null;
}

/** Transports that skopeo has and Lamina has not. */
const FOREIGN = ['dir', 'ostree', 'sif', 'tarball', 'atomic'];

/**
 * Reads a reference. Of `oci:`, `oci-archive:` and `docker-archive:` the path ends at the first colon, as for skopeo.
 * @throws Failure `invalid-reference` that says what is wrong with it
 */
export function parseReference(text: ByteString): Reference {
  const colon = text.indexOf(':');
  const transport = text.slice(0, Math.max(colon, 0));
  const rest = text.slice(colon + 1);
  switch (transport) {
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
      return { transport, ...pathAndTag(text, rest) };
    case 'docker':
      if (!rest.startsWith('//')) throw invalid(text, 'a registry is written docker://HOST/REPOSITORY');
      return { transport, name: withDefaultTag(parseImageName(rest.slice(2))) };
    case 'containers-storage':
      return { transport, ...storeAndName(text, rest) };
    case 'docker-daemon':
    case 'containerd':
      if (rest === '') throw invalid(text, 'it names no image');
      return { transport, name: rest };
  }
  if (FOREIGN.includes(transport)) throw invalid(text, `Lamina has no transport “${transport}”`);
  if (/^(?:\/|\.{1,2}(?:\/|$))/.test(text)) return { transport: 'path', path: text };
  if (text === '') throw invalid(text, 'it is empty');
  return { transport: 'name', name: withDefaultTag(parseImageName(text)), isShort: isShortName(text) };
}

/** The text that `parseReference` reads as this reference. */
export function printReference(reference: Reference): ByteString {
  switch (reference.transport) {
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
      return `${reference.transport}:${reference.path}${reference.tag === null ? '' : `:${reference.tag}`}`;
    case 'docker':
      return `docker://${printImageName(reference.name)}`;
    case 'containers-storage':
      return `containers-storage:${printPlace(reference.store)}${reference.name}`;
    case 'docker-daemon':
    case 'containerd':
      return `${reference.transport}:${reference.name}`;
    case 'path':
      return reference.path;
    case 'name':
      return printImageName(reference.name);
  }
}

function pathAndTag(text: ByteString, rest: ByteString): { path: ByteString; tag: string | null } {
  const colon = rest.indexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? null : rest.slice(colon + 1);
  if (path === '') throw invalid(text, 'it names no path');
  if (tag === '') throw invalid(text, 'nothing follows its last colon');
  return { path, tag };
}

function storeAndName(text: ByteString, rest: ByteString): { store: StorePlace | null; name: string } {
  // Digits and colons alone are the address of a registry, not a root.
  const [, place, name = ''] = /^(?:\[(?![a-fA-F0-9:]+\])([^\]]*)\])?(.*)$/s.exec(rest) ?? [];
  if (name === '') throw invalid(text, 'it names no image');
  if (place === undefined) return { store: null, name };
  const [, driver, root = '', runRoot] = /^(?:([^@/]*)@)?([^+:]*)(?:\+([^:]*))?(?::.*)?$/s.exec(place) ?? [];
  if (!root.startsWith('/')) throw invalid(text, 'the root in its brackets is not an absolute path');
  return { store: { driver: driver || null, root, runRoot: runRoot || null }, name };
}

function printPlace(store: StorePlace | null): ByteString {
  if (store === null) return '';
  const driver = store.driver === null ? '' : `${store.driver}@`;
  return `[${driver}${store.root}${store.runRoot === null ? '' : `+${store.runRoot}`}]`;
}

const FORMS =
  'Write oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], docker://HOST/REPOSITORY[:TAG|@DIGEST], ' +
  'containers-storage:NAME, docker-daemon:NAME, containerd:NAME, or the path of a file or folder beginning with “/” or “./”.';

function invalid(text: ByteString, reason: string): Failure {
  return new Failure('invalid-reference', `“${display(text)}” is not the place of an image: ${reason}.`, FORMS);
}
