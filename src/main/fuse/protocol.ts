// SPDX-License-Identifier: MIT

/**
 * The part of the FUSE protocol (include/uapi/linux/fuse.h, version 7.40 and up) that Lamina speaks. All numbers are
 * in the machine's byte order, little-endian on the machines that Electron runs on.
 */

export const FUSE_MAJOR = 7;
/** The newest minor version whose structures are written here. */
export const FUSE_MINOR = 40;

/** struct fuse_in_header and fuse_out_header, bytes. */
export const IN_HEADER = 40;
export const OUT_HEADER = 16;

export const OPCODE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  IOCTL: 39,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  TMPFILE: 51,
  COPY_FILE_RANGE_64: 53,
} as const;

/** Names of all opcodes, for counts and logs. */
export const OPCODE_NAMES: Readonly<Record<number, string>> = {
  1: 'LOOKUP',
  2: 'FORGET',
  3: 'GETATTR',
  4: 'SETATTR',
  5: 'READLINK',
  6: 'SYMLINK',
  8: 'MKNOD',
  9: 'MKDIR',
  10: 'UNLINK',
  11: 'RMDIR',
  12: 'RENAME',
  13: 'LINK',
  14: 'OPEN',
  15: 'READ',
  16: 'WRITE',
  17: 'STATFS',
  18: 'RELEASE',
  20: 'FSYNC',
  21: 'SETXATTR',
  22: 'GETXATTR',
  23: 'LISTXATTR',
  24: 'REMOVEXATTR',
  25: 'FLUSH',
  26: 'INIT',
  27: 'OPENDIR',
  28: 'READDIR',
  29: 'RELEASEDIR',
  30: 'FSYNCDIR',
  31: 'GETLK',
  32: 'SETLK',
  33: 'SETLKW',
  34: 'ACCESS',
  35: 'CREATE',
  36: 'INTERRUPT',
  37: 'BMAP',
  38: 'DESTROY',
  39: 'IOCTL',
  40: 'POLL',
  42: 'BATCH_FORGET',
  43: 'FALLOCATE',
  44: 'READDIRPLUS',
  45: 'RENAME2',
  46: 'LSEEK',
  47: 'COPY_FILE_RANGE',
  50: 'SYNCFS',
  51: 'TMPFILE',
  52: 'STATX',
  53: 'COPY_FILE_RANGE_64',
};
/** Where, after the header, the name stands in requests about a name of a directory: after a struct of their own. */
export const NAME_AT: Readonly<Record<number, number>> = {
  [OPCODE.LOOKUP]: 0,
  [OPCODE.SYMLINK]: 0,
  [OPCODE.MKNOD]: 16,
  [OPCODE.MKDIR]: 8,
  [OPCODE.UNLINK]: 0,
  [OPCODE.RMDIR]: 0,
  [OPCODE.RENAME]: 8,
  [OPCODE.RENAME2]: 16,
  [OPCODE.LINK]: 8,
  [OPCODE.CREATE]: 16,
};

/** One more than the highest opcode that is counted. */
export const OPCODE_LIMIT = 64;

/** Flags of INIT. `FLAGS2` are those from bit 32 on, shifted down. */
export const INIT = {
  ASYNC_READ: 1 << 0,
  /** OPEN cuts the file itself: what is cut need not be copied up first. */
  ATOMIC_O_TRUNC: 1 << 3,
  BIG_WRITES: 1 << 5,
  /** We apply the umask: a default ACL takes its place. */
  DONT_MASK: 1 << 6,
  DO_READDIRPLUS: 1 << 13,
  PARALLEL_DIROPS: 1 << 18,
  POSIX_ACL: 1 << 20,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  EXPLICIT_INVAL_DATA: 1 << 25,
  /** We drop set-id bits and capabilities; the kernel then asks for them once a file, not at every write. */
  HANDLE_KILLPRIV_V2: 1 << 28,
  /** SETXATTR says whether an ACL drops set-group-ID. */
  SETXATTR_EXT: 1 << 29,
  INIT_EXT: 1 << 30,
} as const;
export const INIT2 = {
  /** Files past the page cache can be mapped all the same. */
  DIRECT_IO_ALLOW_MMAP: 1 << 4,
  PASSTHROUGH: 1 << 5,
} as const;

export const FOPEN = {
  DIRECT_IO: 1 << 0,
  KEEP_CACHE: 1 << 1,
  PASSTHROUGH: 1 << 7,
} as const;

/** Unsolicited message that makes the kernel ask for attributes again (struct fuse_notify_inval_inode_out). */
export const NOTIFY_INVAL_INODE = 2;
/** Unsolicited message that makes the kernel look a name up again (struct fuse_notify_inval_entry_out). */
export const NOTIFY_INVAL_ENTRY = 3;
/** Unsolicited message that puts file content into the page cache (struct fuse_notify_store_out). */
export const NOTIFY_STORE = 4;

export const ENTRY_OUT = 128;
export const ATTR_BYTES = 88;
export const DIRENT_HEADER = 24;
