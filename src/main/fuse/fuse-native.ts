// SPDX-License-Identifier: MIT
import { statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { textOf, display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { topOf, type Entry } from '../overlay/entry';
import { dataOf, openData, readLink } from '../overlay/file-data';
import { InodeNumbers } from '../overlay/inode-numbers';
import { listNames } from '../overlay/readdir';
import { OverlayStack } from '../overlay/stack';
import { getXattr, listXattrs } from '../overlay/xattrs';
import { closeFile } from '../system/files';
import { ERRNO, lastErrno, libc, SystemError } from '../system/libc';
import { statFd } from '../system/stat';
import { attributesOf } from './attributes';
import { complaint, isOrdinary } from './complaint';
import type { MountSpec } from './mount-record';
import { NativeCall } from './native-call';
import { listedStat, nativeStat } from './native-stat';
import { PathTree } from './path-tree';
import { OPCODE, OPCODE_LIMIT } from './protocol';
import type { Attributes } from './reply';
import type { LiveMount, Transport } from './transport';

/** Operations by fuse-native's own numbers (fuse-native.c). */
const OP = {
  init: 0,
  statfs: 3,
  getattr: 5,
  readdir: 9,
  readlink: 13,
  getxattr: 18,
  listxattr: 19,
  open: 21,
  read: 23,
  release: 25,
} as const;

/** Which FUSE request an operation stands for, where counts are shown. */
const COUNTED: Readonly<Record<number, number>> = {
  [OP.statfs]: OPCODE.STATFS,
  [OP.getattr]: OPCODE.GETATTR,
  [OP.readdir]: OPCODE.READDIR,
  [OP.readlink]: OPCODE.READLINK,
  [OP.getxattr]: OPCODE.GETXATTR,
  [OP.listxattr]: OPCODE.LISTXATTR,
  [OP.open]: OPCODE.OPEN,
  [OP.read]: OPCODE.READ,
  [OP.release]: OPCODE.RELEASE,
};

/** The package's C side. Its signals differ only in what they copy first; `access` copies nothing. */
interface Binding {
  readonly sizeof_fuse_thread_t: number;
  fuse_native_mount(
    mountpoint: string,
    options: string,
    thread: Buffer,
    self: object,
    malloc: (size: number) => Buffer,
    handlers: unknown[],
    implemented: Uint32Array,
  ): void;
  fuse_native_signal_access(record: Buffer, result: number): void;
  fuse_native_signal_init(record: Buffer, result: number): void;
}

const HANDLERS = 35;
const load = createRequire(import.meta.url);

/** The C side's addresses and records are known for this build only. */
const KNOWN_VERSION = '2.2.6';

function loadBinding(): Binding {
  try {
    const folder = dirname(load.resolve('fuse-native/package.json'));
    const { version } = load('fuse-native/package.json') as { version: string };
    if (version !== KNOWN_VERSION || process.arch !== 'x64')
      throw new Error(`fuse-native ${version} on ${process.arch}`);
    // The addon asks the loader for libfuse.so.2; the one in the package answers, none need be installed.
    koffi.load(join(folder, 'prebuilds', 'linux-x64', 'libfuse.so'));
    return (load('node-gyp-build') as (folder: string) => Binding)(folder);
  } catch (error) {
    throw new Failure(
      'ENOSYS',
      `The fuse-native transport cannot be loaded: ${String(error)}.`,
      'Use --transport direct.',
    );
  }
}

/** Path by path through libfuse 2: the way in where the FUSE device cannot be opened by us. */
class NativeFileSystem {
  private readonly tree: PathTree;
  private readonly numbers: InodeNumbers;
  private readonly stack: OverlayStack;

  readonly activity = { bytesRead: 0, bytesWritten: 0, copyUps: 0, copyUpBytes: 0 };

  constructor(spec: MountSpec) {
    this.stack = new OverlayStack(spec.subject, spec.options, spec.write);
    this.tree = new PathTree(this.stack);
    this.numbers = new InodeNumbers(this.stack);
  }

  get nodes(): number {
    return this.tree.size;
  }

  close(): void {
    this.stack.close();
  }

  /** By operation; each returns what libfuse's operation returns, or throws a SystemError. */
  readonly operations: Readonly<Record<number, (call: NativeCall) => number>> = {
    [OP.getattr]: (call) => {
      call.putStat(nativeStat(this.attributes(this.tree.find(call.path))));
      return 0;
    },
    [OP.readdir]: (call) => this.readdir(call),
    [OP.readlink]: (call) => {
      call.putLink(readLink(this.stack, this.tree.find(call.path)));
      return 0;
    },
    [OP.open]: (call) => this.open(call),
    [OP.read]: (call) => {
      const count = call.readFrom(call.handle);
      if (count < 0) return -lastErrno();
      this.activity.bytesRead += count;
      return count;
    },
    [OP.release]: (call) => {
      closeFile(call.handle);
      return 0;
    },
    [OP.getxattr]: (call) => {
      const value = getXattr(this.stack, this.tree.find(call.path), call.xattrName);
      if (typeof value === 'number') return value;
      if (call.xattrRoom === 0) return value.length;
      if (call.xattrRoom < value.length) return -ERRNO.ERANGE;
      call.putXattr(value);
      return value.length;
    },
    [OP.listxattr]: (call) => {
      const names = listXattrs(this.stack, this.tree.find(call.path))
        .map((name) => `${name}\0`)
        .join('');
      if (call.xattrRoom === 0) return names.length;
      if (call.xattrRoom < names.length) return -ERRNO.ERANGE;
      call.putXattrList(names);
      return names.length;
    },
    [OP.statfs]: (call) => this.statfs(call),
  };

  private attributes(entry: Entry): Attributes {
    return attributesOf(this.stack, this.numbers, entry);
  }

  private readdir(call: NativeCall): number {
    const entry = this.tree.find(call.path);
    for (const { name, from, inoLow, inoHigh, type } of listNames(this.stack, entry)) {
      const { low, high } = this.numbers.of({ ...from.stat, inoLow, inoHigh });
      call.fill(name, listedStat(low, high, type));
    }
    return 0;
  }

  private open(call: NativeCall): number {
    const entry = this.tree.find(call.path);
    const fd = openData(this.stack, entry);
    const size = dataOf(entry)?.stat.size ?? statFd(fd, entry.name).size;
    call.openAs(fd, size !== topOf(entry).stat.size);
    return 0;
  }

  /** `struct statvfs` of x86-64 Linux. */
  private statfs(call: NativeCall): number {
    const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(
      Buffer.from(this.stack.layers[0]!.path, 'latin1'),
    );
    const buffer = Buffer.alloc(112);
    [bsize, bsize, blocks, bfree, bavail, files, ffree, ffree].forEach((value, i) => {
      buffer.writeBigUInt64LE(BigInt(value), i * 8);
    });
    buffer.writeBigUInt64LE(BigInt(this.stack.nameMax), 80);
    call.putStatvfs(buffer);
    return 0;
  }
}

function optionText({ source, flags }: MountSpec): string {
  const root = process.getuid?.() === 0;
  const words = [
    'ro',
    `fsname=${source}`,
    'subtype=lamina',
    'use_ino',
    'readdir_ino',
    'default_permissions',
    'kernel_cache',
  ];
  if (root || flags.includes('allow_other')) words.push('allow_other');
  for (const flag of flags) if (['nosuid', 'nodev', 'noexec'].includes(flag)) words.push(flag);
  if (root) for (const flag of ['suid', 'dev', 'exec']) if (!flags.includes(`no${flag}`)) words.push(flag);
  const timeout = 100_000;
  return `-o${[...words, `entry_timeout=${timeout}`, `attr_timeout=${timeout}`, `negative_timeout=${timeout}`].join(',')}`;
}

const tryJoin = libc.func('int pthread_tryjoin_np(uint64_t, void *)');
/** Where `fuse_thread_t` keeps the thread of libfuse's loop, and how often we look whether it has ended. */
const THREAD_AT = 8;
const LOOK_MS = 100;

/** Resolves when libfuse's loop has ended. */
function loopEnd(thread: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (tryJoin(thread.readBigUInt64LE(THREAD_AT), null) !== 0) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
  });
}

export const fuseNative: Transport = async (spec, log): Promise<LiveMount> => {
  const binding = loadBinding();
  const mountpoint = textOf(spec.mountpoint);
  if (mountpoint === null) {
    throw new Failure('EILSEQ', `Mount point ${display(spec.mountpoint)} is not UTF-8.`, 'Use --transport direct.');
  }
  const files = new NativeFileSystem(spec);
  const counts = new Float64Array(OPCODE_LIMIT + 1);
  const complain = (opcode: number, call: NativeCall, errno: number, cause: SystemError | null): void => {
    if (!isOrdinary(errno)) log(complaint(opcode, call.path, errno, cause));
  };
  const answer = (operation: (call: NativeCall) => number, record: Buffer, counted: number): number => {
    counts[counted]! += 1;
    const call = new NativeCall(record);
    try {
      const result = operation(call);
      if (result < 0) complain(counted, call, -result, null);
      return result;
    } catch (error) {
      if (error instanceof SystemError) {
        complain(counted, call, error.errno, error);
        return -error.errno;
      }
      counts[0]! += 1;
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return -ERRNO.EIO;
    }
  };
  const handlers: unknown[] = new Array(HANDLERS).fill((record: Buffer) =>
    binding.fuse_native_signal_access(record, -ERRNO.ENOSYS),
  );
  for (const [op, operation] of Object.entries(files.operations)) {
    handlers[Number(op)] = (record: Buffer) => {
      binding.fuse_native_signal_access(record, answer(operation, record, COUNTED[Number(op)]!));
    };
  }
  const thread = Buffer.alloc(binding.sizeof_fuse_thread_t);
  // The C side keeps pointers into these.
  const records: Buffer[] = [thread];
  const malloc = (size: number): Buffer => {
    const record = Buffer.alloc(size);
    records.push(record);
    return record;
  };
  await new Promise<void>((resolve, reject) => {
    handlers[OP.init] = (record: Buffer) => {
      binding.fuse_native_signal_init(record, 0);
      resolve();
    };
    const implemented = new Uint32Array(HANDLERS);
    for (const op of Object.values(OP)) implemented[op] = 1;
    try {
      binding.fuse_native_mount(mountpoint, optionText(spec), thread, {}, malloc, handlers, implemented);
    } catch {
      files.close();
      reject(
        new Failure(
          'EIO',
          `${display(spec.mountpoint)} cannot be mounted by libfuse.`,
          'See the mount log; or use --transport direct.',
        ),
      );
    }
  });
  const ended = loopEnd(thread).then(() => {
    files.close();
    records.length = 0;
  });
  return { ended, counts, nodes: () => files.nodes, activity: () => files.activity, discard: null };
};
