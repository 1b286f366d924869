// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { display, textOf, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { closeFile, openPath } from '../system/files';
import { SystemError } from '../system/libc';
import { mount, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_RDONLY, unmount } from '../system/mount';
import { receiveDescriptor, socketPair } from '../system/socket';

const O_RDWR = 2;
const O_NONBLOCK = 0o4000;

/** How a FUSE mount point is made, of mount(8)'s words. */
export interface AttachOptions {
  readonly readOnly: boolean;
  readonly mountpoint: ByteString;
  readonly source: string;
  readonly flags: readonly string[];
  readonly context?: ByteString;
}

/** Makes the mount. Returns the device's descriptor, on which the kernel's requests wait. */
export function attach(options: AttachOptions): number {
  return process.getuid?.() === 0 ? attachAsRoot(options) : attachAsUser(options);
}

const FLAG_BITS: Readonly<Record<string, number>> = {
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
};

function attachAsRoot({ mountpoint, source, flags, readOnly, context }: AttachOptions): number {
  const fd = openDevice();
  const bits = flags.reduce((sum, flag) => sum | (FLAG_BITS[flag] ?? 0), readOnly ? MS_RDONLY : 0);
  const label = context === undefined ? '' : `,context=${context}`;
  const data = `fd=${fd},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other${label}`;
  try {
    mount(source, mountpoint, 'fuse.lamina', bits, data);
  } catch (error) {
    closeFile(fd);
    throw error instanceof SystemError ? cannotMount(mountpoint, error.code) : error;
  }
  return fd;
}

function openDevice(): number {
  try {
    return openPath('/dev/fuse', O_RDWR | O_NONBLOCK);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new Failure(
      error.code,
      `/dev/fuse cannot be opened (${error.code}).`,
      'Load the fuse module: modprobe fuse.',
    );
  }
}

/** setuid fusermount3 mounts, and passes the descriptor back over the socket named in _FUSE_COMMFD. */
function attachAsUser({ mountpoint, source, flags, readOnly }: AttachOptions): number {
  const target = textOf(mountpoint);
  if (target === null) {
    throw new Failure(
      'EILSEQ',
      `Mount point ${display(mountpoint)} is not UTF-8.`,
      'Choose a mount point with a UTF-8 name.',
    );
  }
  const [ours, theirs] = socketPair();
  const words = [
    readOnly ? 'ro' : 'rw',
    'default_permissions',
    `fsname=${source}`,
    'subtype=lamina',
    ...flags.filter((flag) => flag === 'allow_other' || flag in FLAG_BITS),
  ];
  const helper = spawnSync('fusermount3', ['-o', words.join(','), '--', target], {
    stdio: ['ignore', 'ignore', 'pipe', theirs],
    env: { ...process.env, _FUSE_COMMFD: '3' },
  });
  closeFile(theirs);
  try {
    if (helper.error)
      throw new Failure('ENOENT', 'fusermount3 is not installed.', 'Install it: apt-get install fuse3.');
    if (helper.status !== 0) {
      const reason = helper.stderr
        .toString()
        .trim()
        .replace(/^fusermount3: /, '');
      throw new Failure(
        'EPERM',
        `${display(mountpoint)} cannot be mounted: ${reason}.`,
        'Choose an empty folder of your own as the mount point.',
      );
    }
    return receiveDescriptor(ours);
  } finally {
    closeFile(ours);
  }
}

function cannotMount(mountpoint: ByteString, code: string): Failure {
  const hints: Readonly<Record<string, string>> = {
    ENOENT: 'Make the folder first.',
    ENOTDIR: 'Choose a folder.',
    EPERM: 'Mounting needs CAP_SYS_ADMIN; run Lamina as an ordinary user to mount through fusermount3.',
    ENOTCONN: 'A dead mount is in the way: lamina umount it first.',
  };
  return new Failure(
    code,
    `${display(mountpoint)} cannot be mounted (${code}).`,
    hints[code] ?? 'See the kernel log (dmesg).',
  );
}

/**
 * Takes a mount point down.
 * @param lazy detach at once; the file system goes when nobody uses it any more
 * @returns null, or why not
 */
export function detach(mountpoint: ByteString, lazy: boolean): string | null {
  if (process.getuid?.() === 0) {
    const result = unmount(mountpoint, lazy);
    return result === 0 ? null : new SystemError(-result, 'umount', mountpoint).code;
  }
  const target = textOf(mountpoint);
  if (target === null) return 'EILSEQ';
  const helper = spawnSync('fusermount3', ['-u', ...(lazy ? ['-z'] : []), '--', target], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (helper.status === 0) return null;
  const reason = helper.stderr?.toString() ?? '';
  return /busy/i.test(reason) ? 'EBUSY' : reason.trim() || 'fusermount3 failed';
}
