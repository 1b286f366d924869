// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { DirectoryCache, RealDirectory } from '../../layers/real-directory';
import { isWhiteout } from '../../overlay/probe';
import { OVERLAY_XATTRS } from '../../overlay/xattr-names';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openAt, readDirectory } from '../../system/files';
import { SystemError } from '../../system/libc';
import { isDirectory, isRegular, statAt, type Stat } from '../../system/stat';
import { getXattrAt, listXattrsAt } from '../../system/xattr';

export type LayerNameKind = 'whiteout' | 'directory' | 'file' | 'metacopy' | 'other';

/** A name of one directory of one layer, as the layer means it. */
export interface LayerName {
  readonly name: ByteString;
  readonly kind: LayerNameKind;
  /** Of a directory: it hides what the layers below have in it. */
  readonly opaque: boolean;
  readonly stat: Stat;
}

const NAMESPACES = Object.values(OVERLAY_XATTRS);

/**
 * The names of a directory of a layer, whiteouts and opaque directories in the kernel's form (semantics 1.2, 1.3). Both
 * namespaces of attributes count: a layer does not say which one its maker had.
 * @throws SystemError that names the path in the layer
 */
export function layerNames(cache: DirectoryCache, directory: RealDirectory): LayerName[] {
  const path = directory.layer.path + directory.path;
  const dirfd = cache.fdOf(directory);
  const fd = openAt(dirfd, '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) throw new SystemError(-fd, 'opendir', path);
  try {
    const found: LayerName[] = [];
    for (const { name } of readDirectory(fd, path)) {
      if (name === '.' || name === '..') continue;
      const stat = statAt(dirfd, name);
      if (typeof stat === 'number') throw new SystemError(-stat, 'statx', `${path}/${name}`);
      found.push(asMeant(dirfd, name, stat));
    }
    return found;
  } finally {
    closeFile(fd);
  }
}

function asMeant(dirfd: number, name: ByteString, stat: Stat): LayerName {
  const isFile = isRegular(stat.mode);
  const isFolder = isDirectory(stat.mode);
  const listed = isFile || isFolder ? listXattrsAt(dirfd, name) : [];
  const xattrs = typeof listed === 'number' ? [] : listed;
  if (NAMESPACES.some(({ whiteout }) => isWhiteout(stat, xattrs, whiteout))) {
    return { name, kind: 'whiteout', opaque: false, stat };
  }
  if (isFolder) {
    const opaque = NAMESPACES.some((names) => xattrs.includes(names.opaque) && isOpaque(dirfd, name, names.opaque));
    return { name, kind: 'directory', opaque, stat };
  }
  const isMetacopy = isFile && NAMESPACES.some(({ metacopy }) => xattrs.includes(metacopy));
  return { name, kind: isMetacopy ? 'metacopy' : isFile ? 'file' : 'other', opaque: false, stat };
}

/** `x` says that the directory has xattr whiteouts, not that it hides anything. */
const isOpaque = (dirfd: number, name: ByteString, attribute: ByteString): boolean =>
  getXattrAt(dirfd, name, attribute) === 'y';
