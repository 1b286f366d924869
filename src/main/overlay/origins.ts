// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Layer } from '../layers/layer';
import { closeFile, O_DIRECTORY, O_PATH, O_RDONLY, openAt } from '../system/files';
import { fileHandle, fileSystemUuid, NULL_UUID, openHandle } from '../system/file-handle';
import type { Place } from '../system/place';
import { S_IFMT, statFd, type Stat } from '../system/stat';
import { getXattrAt } from '../system/xattr';
import { placeOf, topOf, type Entry } from './entry';
import type { OverlayStack } from './stack';

/** The file handle blob of `overlay.origin` and `overlay.upper` (semantics 1.5). */
const HEADER = 21;
const VERSION = 0;
const MAGIC = 0xfb;
const FLAG_UPPER = 4;

/** How a layer is known to its handles: a descriptor on its file system, and that file system's UUID. */
interface HandleRoot {
  readonly fd: number;
  readonly uuid: ByteString;
}

/** Writes and reads the handles by which an upper remembers what its objects were copied from (semantics 1.5). */
export class Origins {
  private readonly roots = new Map<Layer, HandleRoot | null>();

  /** @param nullUuid `uuid=off`: handles carry no UUID, and none is compared */
  constructor(
    private readonly layers: readonly Layer[],
    private readonly nullUuid: boolean,
  ) {}

  /** The blob for an object of a layer; empty where the layer's file system has no handles. */
  encode(layer: Layer, place: Place): ByteString {
    const root = this.rootOf(layer);
    const handle = root && fileHandle(place);
    if (!handle || typeof handle === 'number') return '';
    const flags = layer.lane === 'upper' ? FLAG_UPPER : 0;
    const head = String.fromCharCode(VERSION, MAGIC, HEADER + handle.bytes.length, flags, handle.type);
    return head + (this.nullUuid ? NULL_UUID : root.uuid) + handle.bytes;
  }

  /** What a lower's handle leads to, or null: unknown, of no layer here, or gone. */
  decode(blob: ByteString): Stat | null {
    if (blob.length < HEADER || blob.charCodeAt(0) !== VERSION || blob.charCodeAt(1) !== MAGIC) return null;
    if (blob.charCodeAt(2) !== blob.length || blob.charCodeAt(3) !== 0) return null;
    const handle = { type: blob.charCodeAt(4), bytes: blob.slice(HEADER) };
    const uuid = blob.slice(5, HEADER);
    for (const layer of this.layers) {
      if (layer.lane !== 'lower') continue;
      const root = this.rootOf(layer);
      if (!root || (!this.nullUuid && root.uuid !== uuid)) continue;
      const fd = openHandle(root.fd, handle, O_PATH);
      if (fd < 0) continue;
      const stat = statFd(fd, '');
      closeFile(fd);
      return stat;
    }
    return null;
  }

  private rootOf(layer: Layer): HandleRoot | null {
    let root = this.roots.get(layer);
    if (root === undefined) {
      // Handles are decoded with a descriptor that is more than O_PATH.
      const fd = openAt(layer.root.fd, '.', O_RDONLY | O_DIRECTORY);
      root = fd < 0 ? null : { fd, uuid: fileSystemUuid(fd) };
      this.roots.set(layer, root);
    }
    return root;
  }

  close(): void {
    for (const root of this.roots.values()) if (root) closeFile(root.fd);
    this.roots.clear();
  }
}

/**
 * The lower object whose inode number an entry keeps showing (semantics 3.4): of a merged directory and of a metacopy
 * the topmost lower, of a copied-up file what its origin leads to. Null where the entry shows its own number. Hard
 * links of the lower were broken by the copy-up, unless the index keeps them.
 */
export function originOf(stack: OverlayStack, entry: Entry): Stat | null {
  const { upper, lowers } = entry;
  if (!upper) return null;
  if (upper.directory) return lowers[0]?.stat ?? null;
  const lower = lowers[0]?.stat ?? decodedOrigin(stack, entry);
  if (!lower || (lower.mode & S_IFMT) !== (upper.stat.mode & S_IFMT)) return null;
  return lower.nlink === 1 || entry.indexed ? lower : null;
}

function decodedOrigin(stack: OverlayStack, entry: Entry): Stat | null {
  const { xattrs } = topOf(entry);
  if (!xattrs.includes(stack.names.origin)) return null;
  const { fd, name } = placeOf(stack.directories, topOf(entry));
  const blob = getXattrAt(fd, name, stack.names.origin);
  return typeof blob === 'string' ? stack.origins.decode(blob) : null;
}

/** The handle blob of a real object of the stack; see `Origins.encode`. */
export const handleOf = (stack: OverlayStack, entry: Entry): ByteString => {
  const real = topOf(entry);
  return stack.origins.encode(real.layer, placeOf(stack.directories, real));
};
