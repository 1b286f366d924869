// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Real } from '../../overlay/entry';
import type { OverlayStack } from '../../overlay/stack';
import { getXattrAt, listXattrsAt } from '../../system/xattr';

/**
 * Attributes in which rootless engines keep the owner and the mode that a file would have (semantics 8.2), in the order
 * in which fuse-overlayfs asks for them.
 */
const RECORDS = [
  'security.fuseoverlayfs.override_stat',
  'user.containers.override_stat',
  'user.fuseoverlayfs.override_stat',
] as const;

/** Before the name of an attribute that an ordinary user may not set. */
const OVERRIDE = 'user.containers.override_';

/** What an attribute says that the object is. */
export interface RecordedOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permissions, set-id and sticky bits. */
  readonly mode: number;
  /** A device or fifo that is stored as a file; null where the object is what it is. */
  readonly node: { readonly type: 'char' | 'block' | 'fifo'; readonly major: number; readonly minor: number } | null;
}

/** Whether a layer of the stack says at its root that it keeps owners in attributes. */
export function keepsOwners(stack: OverlayStack): boolean {
  return stack.layers.some(({ root }) => {
    const names = listXattrsAt(root.fd, '.');
    return typeof names !== 'number' && RECORDS.some((record) => names.includes(record));
  });
}

/** `UID:GID:MODE[:TYPE]`, the mode in octal and often with the type bits; null for any other text. */
export function parseRecord(text: ByteString): RecordedOwner | null {
  const found = /^(\d+):(\d+):([0-7]+)(?::(?:(dir|file|symlink|pipe|socket)|(block|char)-(\d+)-(\d+)))?$/.exec(
    text.split('\0', 1)[0]!,
  );
  if (!found) return null;
  const [, uid, gid, mode, plain, device, major, minor] = found;
  const node =
    plain === 'pipe'
      ? ({ type: 'fifo', major: 0, minor: 0 } as const)
      : device
        ? { type: device as 'block' | 'char', major: Number(major), minor: Number(minor) }
        : null;
  return { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode!, 8) & 0o7777, node };
}

/** The record of an object, or null where it has none. */
export function recordOf(stack: OverlayStack, { parent, name }: Real): RecordedOwner | null {
  for (const record of RECORDS) {
    const value = getXattrAt(stack.directories.fdOf(parent), name, record);
    if (typeof value === 'string') return parseRecord(value);
  }
  return null;
}

/** The name that an attribute of such a layer stands for, or null for the record itself. */
export function withoutOverride(name: ByteString): ByteString | null {
  if ((RECORDS as readonly ByteString[]).includes(name)) return null;
  return name.startsWith(OVERRIDE) ? name.slice(OVERRIDE.length) : name;
}
