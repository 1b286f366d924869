// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { TreeObject } from '../layers/remove-tree';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openAt, readDirectory } from '../system/files';
import { AT_FDCWD } from '../system/libc';
import { unlinkAt } from '../system/names';
import { statAt } from '../system/stat';
import { getXattrAt } from '../system/xattr';
import { inodeKey } from './inode-key';

const DT_CHR = 2;

/**
 * The entries that `index=on` keeps of copied-up hard links (semantics 1.7). One that outlived its file would still
 * give the discarded content to the names of the lower, so the last name takes the entry with it. While other names of
 * the file are in the upper the entry stays: index=on shows one file under all of them.
 */
export class IndexEntries {
  private readonly fd: number;

  /** @param workdir empty where there is none */
  constructor(private readonly workdir: ByteString) {
    this.fd = workdir === '' ? -1 : openAt(AT_FDCWD, `${workdir}/index`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }

  /**
   * A whiteout of the index (`nfs_export=on`) makes the lower object an error even after its whiteout has gone.
   * @throws Failure where there is one
   */
  refuseWhiteouts(): void {
    if (this.fd < 0) return;
    if (!readDirectory(this.fd, this.workdir).some(({ type }) => type === DT_CHR)) return;
    throw new Failure(
      'EINVAL',
      `The index of ${display(this.workdir)} remembers what was deleted (nfs_export=on).`,
      'Deletions of such an upper cannot be discarded: mount it and copy the files back from the lower.',
    );
  }

  /** Reads where the entry of a file is, while it still has its name. */
  entryOf({ dirfd, name, stat }: TreeObject, originName: ByteString): ByteString | null {
    if (this.fd < 0 || stat.nlink < 2) return null;
    const origin = getXattrAt(dirfd, name, originName);
    if (typeof origin !== 'string' || origin === '') return null;
    const entry = Buffer.from(origin, 'latin1').toString('hex');
    const found = statAt(this.fd, entry);
    return typeof found !== 'number' && inodeKey(found) === inodeKey(stat) ? entry : null;
  }

  /** Removes an entry that is the last name of its file. */
  release(entry: ByteString): void {
    const stat = statAt(this.fd, entry);
    if (typeof stat !== 'number' && stat.nlink === 1) unlinkAt(this.fd, entry);
  }

  close(): void {
    if (this.fd >= 0) closeFile(this.fd);
  }
}
