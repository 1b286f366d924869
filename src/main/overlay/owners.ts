// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { NOBODY, type IdRange, type OwnerRules } from '@shared/owner-rules';
import { KEEP_ID } from '../system/attributes';
import { ERRNO, SystemError } from '../system/libc';
import type { Stat } from '../system/stat';
import { ACL_ACCESS, ACL_DEFAULT, mapAcl } from './posix-acl';

/** The owners of a stack that shows others than its layers store, both ways (semantics 8.3). */
export class Owners {
  constructor(private readonly rules: OwnerRules) {}

  /** What stat(2) shows. */
  shown(stat: Stat): Stat {
    const { uids, gids, squashUid, squashGid } = this.rules;
    return { ...stat, uid: squashUid ?? toShown(uids, stat.uid), gid: squashGid ?? toShown(gids, stat.gid) };
  }

  /** Who a new object belongs to in the upper. A maker outside of the ranges owns nothing in them. */
  ofMaker<T extends { readonly uid: number; readonly gid: number }>(maker: T): T {
    const { uids, gids, squashUid, squashGid } = this.rules;
    const uid = squashUid ?? toStored(uids, maker.uid) ?? NOBODY;
    return { ...maker, uid, gid: squashGid ?? toStored(gids, maker.gid) ?? NOBODY };
  }

  /** The owner that chown(2) asks for; throws EINVAL for one outside of the ranges, as the kernel's idmapped mounts do. */
  storedUid(uid: number): number {
    return uid === KEEP_ID ? uid : (this.rules.squashUid ?? toStored(this.rules.uids, uid) ?? refuse());
  }

  storedGid(gid: number): number {
    return gid === KEEP_ID ? gid : (this.rules.squashGid ?? toStored(this.rules.gids, gid) ?? refuse());
  }

  /** An attribute's value as it is shown: ACLs name users and groups. */
  shownXattr(name: ByteString, value: ByteString): ByteString {
    const { uids, gids } = this.rules;
    if (!isAcl(name)) return value;
    return mapAcl(
      value,
      (uid) => toShown(uids, uid),
      (gid) => toShown(gids, gid),
    );
  }

  /** … and as it is stored. Throws EINVAL for who is outside of the ranges. */
  storedXattr(name: ByteString, value: ByteString): ByteString {
    const { uids, gids } = this.rules;
    if (!isAcl(name)) return value;
    return mapAcl(
      value,
      (uid) => toStored(uids, uid) ?? refuse(),
      (gid) => toStored(gids, gid) ?? refuse(),
    );
  }
}

const isAcl = (name: ByteString): boolean => name === ACL_ACCESS || name === ACL_DEFAULT;

function toShown(ranges: readonly IdRange[], id: number): number {
  if (ranges.length === 0) return id;
  const range = ranges.find(({ stored, count }) => id >= stored && id < stored + count);
  return range ? range.shown + (id - range.stored) : NOBODY;
}

function toStored(ranges: readonly IdRange[], id: number): number | null {
  if (ranges.length === 0) return id;
  const range = ranges.find(({ shown, count }) => id >= shown && id < shown + count);
  return range ? range.stored + (id - range.shown) : null;
}

const refuse = (): never => {
  throw new SystemError(ERRNO.EINVAL, 'chown', '');
};
