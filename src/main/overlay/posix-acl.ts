// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/*
 * POSIX ACLs as extended attributes (acl(5), include/uapi/linux/posix_acl_xattr.h): a version word, then entries of
 * tag, permissions and id. A new object in a directory with a default ACL starts with that, cut to the mode asked for.
 */
export const ACL_ACCESS = 'system.posix_acl_access';
export const ACL_DEFAULT = 'system.posix_acl_default';

const HEADER = 4;
const ENTRY = 8;
const TAG = { USER_OBJ: 0x01, USER: 0x02, GROUP_OBJ: 0x04, GROUP: 0x08, MASK: 0x10, OTHER: 0x20 } as const;

/** What a new object inherits: its mode, and the access ACL where the mode cannot say it all. */
export interface Inherited {
  readonly mode: number;
  readonly access: ByteString | null;
}

/**
 * Cuts a directory's default ACL to the mode of a new object, and the mode to the ACL, as the kernel's
 * posix_acl_create does. No umask applies then (umask(2)).
 */
export function inheritAcl(defaultAcl: ByteString, mode: number): Inherited {
  const acl = Buffer.from(defaultAcl, 'latin1');
  const entries = entriesOf(acl);
  let permissions = mode & 0o777;
  const cut = (entry: AclEntry, shift: number): void => {
    entry.put(entry.permissions & ((mode >>> shift) & 7));
    permissions = (permissions & ~(7 << shift)) | (entry.permissions << shift);
  };
  const find = (tag: number): AclEntry | undefined => entries.find((entry) => entry.tag === tag);
  const group = find(TAG.MASK) ?? find(TAG.GROUP_OBJ);
  const owner = find(TAG.USER_OBJ);
  const other = find(TAG.OTHER);
  if (owner) cut(owner, 6);
  if (group) cut(group, 3);
  if (other) cut(other, 0);
  const named = entries.some(({ tag }) => tag === TAG.USER || tag === TAG.GROUP || tag === TAG.MASK);
  return { mode: (mode & ~0o777) | permissions, access: named ? acl.toString('latin1') : null };
}

/** The same ACL with other users and groups in its named entries. */
export function mapAcl(acl: ByteString, user: (id: number) => number, group: (id: number) => number): ByteString {
  const bytes = Buffer.from(acl, 'latin1');
  for (let at = HEADER; at + ENTRY <= bytes.length; at += ENTRY) {
    const tag = bytes.readUInt16LE(at);
    const id = bytes.readUInt32LE(at + 4);
    if (tag === TAG.USER) bytes.writeUInt32LE(user(id), at + 4);
    else if (tag === TAG.GROUP) bytes.writeUInt32LE(group(id), at + 4);
  }
  return bytes.toString('latin1');
}

interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  put(permissions: number): void;
}

function entriesOf(acl: Buffer): AclEntry[] {
  const entries: AclEntry[] = [];
  for (let at = HEADER; at + ENTRY <= acl.length; at += ENTRY) {
    entries.push({
      tag: acl.readUInt16LE(at),
      get permissions() {
        return acl.readUInt16LE(at + 2);
      },
      put: (permissions) => void acl.writeUInt16LE(permissions, at + 2),
    });
  }
  return entries;
}
