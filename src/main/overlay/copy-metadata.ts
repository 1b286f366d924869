// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { changeMode, changeOwner, changeTimes } from '../system/attributes';
import { ERRNO, must, SystemError } from '../system/libc';
import type { Place } from '../system/place';
import { isSymlink, type Stat } from '../system/stat';
import { getXattrAt, listXattrsAt, setXattrAt } from '../system/xattr';
import { ACL_ACCESS, ACL_DEFAULT } from './posix-acl';
import { visibleName, type OverlayXattrs } from './xattr-names';

/** ACLs and `security.*` must come along; others go where the upper's file system does not take them (semantics 4.2). */
const mustCopy = (name: ByteString): boolean =>
  name.startsWith('security.') || name === ACL_ACCESS || name === ACL_DEFAULT;

/** Copies all extended attributes but the overlay's own. Throws a SystemError. */
export function copyXattrs(names: OverlayXattrs, from: Place, to: Place): void {
  const found = listXattrsAt(from.fd, from.name);
  if (typeof found === 'number') throw new SystemError(-found, 'listxattr', from.name);
  for (const name of found) {
    if (visibleName(name, names) === null) continue;
    const value = getXattrAt(from.fd, from.name, name);
    if (typeof value === 'number') throw new SystemError(-value, 'getxattr', from.name);
    const result = setXattrAt(to, name, value);
    if (result < 0 && (result !== -ERRNO.EOPNOTSUPP || mustCopy(name)))
      throw new SystemError(-result, 'setxattr', from.name);
  }
}

/** Gives an object owner, mode and times, in an order in which nothing undoes what went before. Throws a SystemError. */
export function giveAttributes(to: Place, stat: Stat, path: ByteString): void {
  must(changeOwner(to, stat.uid, stat.gid), 'chown', path);
  if (!isSymlink(stat.mode)) must(changeMode(to, stat.mode & 0o7777), 'chmod', path);
  const atime = { seconds: stat.atime, nanoseconds: stat.atimeNs };
  const mtime = { seconds: stat.mtime, nanoseconds: stat.mtimeNs };
  must(changeTimes(to, atime, mtime), 'utimensat', path);
}
