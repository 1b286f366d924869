// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import type { ByteString } from '@shared/bytes';
import { SLOTS, type FileOperation } from './file-operations';

const NAME = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  fc.constantFrom<ByteString>('\xff\xfe', 'L'.repeat(255), 'new'),
);
const path: fc.Arbitrary<ByteString> = fc
  .oneof(
    { weight: 4, arbitrary: fc.tuple(NAME) },
    { weight: 4, arbitrary: fc.tuple(NAME, NAME) },
    { weight: 2, arbitrary: fc.tuple(NAME, NAME, NAME) },
  )
  .map((names) => names.join('/'));
const slot = fc.nat(SLOTS - 1);
const mode = fc.constantFrom(0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777, 0o777, 0o2770);
/** Never both kept: a chown(2) without any change cannot be told from a write on FUSE (docs/differences.md). */
const uid = fc.constantFrom(0, 1000, 65534, 0xffff_ffff);
const gid = fc.constantFrom(0, 1000, 65534);
const size = fc.constantFrom(0, 1, 5, 4096, 5000, 70_000);
const time = { seconds: fc.constantFrom(0, 1, 1_500_000_000), nanoseconds: fc.constant(123_456_789) };

const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const openFlags = fc
  .tuple(fc.constantFrom(0, 1, 2, 2), fc.subarray([O_CREAT, O_TRUNC, O_APPEND]), fc.boolean())
  .map(([access, flags, exclusive]) => {
    const all = flags.reduce((sum, flag) => sum | flag, access);
    return exclusive && (all & O_CREAT) !== 0 ? all | O_EXCL : all;
  });

/** version 2; user::rwx, user:1000:r-x, group::r-x, mask::rwx, other::--- */
const acl = (...entries: [tag: number, permissions: number, id: number][]): ByteString => {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  for (const [i, [tag, permissions, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * i);
    bytes.writeUInt16LE(permissions, 6 + 8 * i);
    bytes.writeUInt32LE(id, 8 + 8 * i);
  }
  return bytes.toString('latin1');
};
const NONE = 0xffff_ffff;
const ACLS = [
  acl([1, 7, NONE], [2, 5, 1000], [4, 5, NONE], [16, 7, NONE], [32, 0, NONE]),
  acl([1, 6, NONE], [4, 4, NONE], [32, 4, NONE]),
  acl([1, 7, NONE], [4, 5, NONE], [8, 7, 5], [16, 5, NONE], [32, 1, NONE]),
];
const xattr = fc.oneof(
  fc.record({
    name: fc.constantFrom(
      'user.k',
      'user.other',
      'trusted.t',
      'trusted.overlay.opaque',
      'user.overlay.redirect',
      'security.x',
    ),
    value: fc.constantFrom('', 'v', 'y', '\0\xff'),
  }),
  fc.record({
    name: fc.constantFrom('system.posix_acl_access', 'system.posix_acl_default'),
    value: fc.constantFrom(...ACLS),
  }),
  fc.record({
    name: fc.constant('security.capability'),
    value: fc.constant('\x01\0\0\x02\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'),
  }),
);
const xattrName = xattr.map(({ name }) => name);

const user = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const weighted = <K extends FileOperation['kind']>(
  weight: number,
  kind: K | readonly K[],
  fields: Record<string, fc.Arbitrary<unknown>>,
): { weight: number; arbitrary: fc.Arbitrary<FileOperation> } => ({
  weight,
  arbitrary: fc.record({
    user,
    kind: fc.constantFrom(...(Array.isArray(kind) ? (kind as K[]) : [kind as K])),
    ...fields,
  }) as unknown as fc.Arbitrary<FileOperation>,
});

const type = fc.constantFrom<[number, number, number]>(
  [0o010644, 0, 0],
  [0o020666, 1, 3],
  [0o020000, 0, 0],
  [0o140755, 0, 0],
  [0o100600, 0, 0],
  [0o060600, 7, 300],
);

/** Operations that programs do, on few names, so that they meet. */
export const operation: fc.Arbitrary<FileOperation> = fc.oneof(
  weighted(14, 'open', { slot, path, flags: openFlags, mode }),
  weighted(3, 'tmpfile', { slot, path: fc.oneof(path, fc.constant('.')), mode }),
  weighted(4, 'close', { slot }),
  weighted(3, ['fstat', 'readAll'], { slot }),
  weighted(1, 'fsync', { slot }),
  weighted(8, 'write', { slot, at: size, text: fc.constantFrom('w', 'written', 'z'.repeat(4096)) }),
  weighted(3, 'ftruncate', { slot, size }),
  weighted(2, 'fallocate', {
    slot,
    mode: fc.constantFrom(0, 1, 3),
    at: size,
    length: fc.constantFrom(1, 4096, 10_000),
  }),
  weighted(2, 'copyRange', { slot, to: slot, at: size, toAt: size, length: fc.constantFrom(1, 4096, 100_000) }),
  weighted(2, 'fchmod', { slot, mode }),
  weighted(2, 'fchown', { slot, uid, gid }),
  weighted(2, 'futimens', { slot, ...time }),
  weighted(2, 'fsetxattr', { slot, name: fc.constant('user.k'), value: fc.constantFrom('', 'slot') }),
  weighted(3, 'linkSlot', { slot, path }),
  weighted(2, 'opendir', { slot, path: fc.oneof(path, fc.constant('.')) }),
  weighted(2, 'readdir', { slot, path: fc.constant('') }),
  weighted(10, 'mkdir', { path, mode }),
  {
    weight: 4,
    arbitrary: fc.tuple(user, path, type).map(([as, at, [nodeMode, major, minor]]): FileOperation => {
      return { user: as, kind: 'mknod', path: at, mode: nodeMode, major, minor };
    }),
  },
  weighted(4, 'symlink', { path, target: fc.constantFrom('a', 'nowhere', 'c', '\xff') }),
  weighted(8, 'link', { path, to: path, flags: fc.constant(0) }),
  weighted(22, 'rename', { path, to: path, flags: fc.constantFrom(0, 0, 0, 0, 1, 2, 2, 4) }),
  weighted(14, 'unlink', { path }),
  weighted(8, 'rmdir', { path }),
  weighted(10, 'stat', { path }),
  weighted(5, 'list', { path: fc.oneof(path, fc.constant('.')) }),
  weighted(5, 'content', { path }),
  weighted(6, 'chmod', { path, mode }),
  weighted(5, 'chown', { path, uid, gid }),
  weighted(4, 'truncate', { path, size }),
  weighted(4, 'utimens', { path, ...time }),
  {
    weight: 6,
    arbitrary: fc
      .tuple(user, path, xattr, fc.constantFrom(0, 0, 1, 2))
      .map(([as, at, { name, value }, flags]): FileOperation => {
        return { user: as, kind: 'setxattr', path: at, name, value, flags };
      }),
  },
  weighted(3, 'removexattr', { path, name: xattrName }),
);

const LACKING: readonly FileOperation['kind'][] = ['tmpfile', 'fallocate', 'flags', 'setflags'];

/** Whether libfuse 2 can pass an operation on at all: docs/differences.md says why not. */
function passesLibfuse2(operation: FileOperation): boolean {
  if (LACKING.includes(operation.kind)) return false;
  switch (operation.kind) {
    case 'rename':
      return operation.flags === 0;
    case 'utimens':
    case 'futimens':
      return operation.seconds !== 0;
    default:
      return true;
  }
}

/** What is left of them through libfuse 2: the mounter's own operations, with times in milliseconds. */
export const libfuse2Operation: fc.Arbitrary<FileOperation> = operation
  .filter(passesLibfuse2)
  .map((each): FileOperation => {
    if (each.kind !== 'utimens' && each.kind !== 'futimens') return { ...each, user: false };
    return { ...each, user: false, nanoseconds: 123_000_000 };
  });
