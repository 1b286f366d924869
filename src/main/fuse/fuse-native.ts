// SPDX-License-Identifier: MIT
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { textOf, display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { ERRNO, libc, SystemError } from '../system/libc';
import { complaint, isOrdinary } from './complaint';
import type { MountSpec } from './mount-record';
import { NativeCall } from './native-call';
import { NativeFileSystem } from './native-filesystem';
import { COUNTED, OP } from './native-operations';
import { OPCODE_LIMIT } from './protocol';
import type { LiveMount, Transport } from './transport';

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

/** Where nothing changes: as good as for ever. */
const LONG = 100_000;

/**
 * What depends on whether the mount is written to. Who asks is known to libfuse's thread alone, and not handed on by the
 * package: on a writable mount everyone would make files as the mounter, so it is for the mounter alone. A change through
 * one name of a hard link changes what all show, which the kernel takes for files of their own: it keeps no attributes.
 */
function optionsOfUse({ write, flags }: MountSpec): string[] {
  if (write) return ['rw', 'atomic_o_trunc', 'big_writes', 'attr_timeout=0'];
  const forAll = process.getuid?.() === 0 || flags.includes('allow_other');
  return ['ro', 'kernel_cache', `attr_timeout=${LONG}`, ...(forAll ? ['allow_other'] : [])];
}

function optionText(spec: MountSpec): string {
  const { source, flags } = spec;
  const words = [
    ...optionsOfUse(spec),
    `fsname=${source}`,
    'subtype=lamina',
    'use_ino',
    'readdir_ino',
    'default_permissions',
    `entry_timeout=${LONG}`,
    `negative_timeout=${LONG}`,
  ];
  for (const flag of flags) if (['nosuid', 'nodev', 'noexec'].includes(flag)) words.push(flag);
  if (process.getuid?.() === 0)
    for (const flag of ['suid', 'dev', 'exec']) if (!flags.includes(`no${flag}`)) words.push(flag);
  return `-o${words.join(',')}`;
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
  const files = new NativeFileSystem(spec, log);
  const counts = new Float64Array(OPCODE_LIMIT + 1);
  const complain = (opcode: number, call: NativeCall, errno: number, cause: SystemError | null): void => {
    if (!isOrdinary(errno)) log(complaint(opcode, call.path, errno, cause));
  };
  const answer = (op: number, record: Buffer): number => {
    const counted = COUNTED[op]!;
    counts[counted]! += 1;
    const call = new NativeCall(record);
    try {
      const result = files.perform(op, call);
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
  for (const op of files.implemented)
    handlers[op] = (record: Buffer) => binding.fuse_native_signal_access(record, answer(op, record));
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
    for (const op of [OP.init, ...files.implemented]) implemented[op] = 1;
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
