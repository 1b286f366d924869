// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { NOBODY, type IdRange, type OwnerRules } from '@shared/owner-rules';
import { isGenericOption } from './generic-options';
import { parseMountOptions, type ParsedMount } from './parse-options';
import { splitOptions, type OptionItem } from './split-options';

/** What a call by fuse-overlayfs's convention asks for (semantics 8.3). */
export interface FuseOverlayfsCall {
  /** Layers, and the options that the kernel's overlayfs has too. */
  readonly mount: ParsedMount;
  readonly owners: OwnerRules | null;
  readonly staticLinks: boolean;
  readonly noAcl: boolean;
  /** `volatile` and `fsync=0`: nothing is synced, and no mark is left. */
  readonly unsynced: boolean;
  /** mount(8)'s words, the last of each pair: `nosuid`, `ro`, `allow_other`. */
  readonly flags: readonly string[];
  readonly source: ByteString | null;
  readonly context: ByteString | null;
  /** Said to be ignored, as fuse-overlayfs does. */
  readonly unknown: readonly ByteString[];
}

/** Options that say how fuse-overlayfs or libfuse work, not what the mount shows; Lamina needs none of them. */
const TUNING = new Set(
  (
    'timeout entry_timeout attr_timeout negative_timeout threaded fast_ino writeback max_write max_read max_idle_threads ' +
    'max_threads clone_fd subtype default_permissions auto_unmount ino32_t big_writes nonempty debug'
  ).split(' '),
);

/** Refused: with them the mount would have to show or store something else. */
const REFUSED: Readonly<Record<string, string>> = {
  xattr_permissions: 'Lamina keeps owners and modes in the files themselves, not in override_stat attributes.',
  noxattrs: 'Lamina shows the extended attributes that the layers have.',
  plugins: 'Lamina loads no plugins of fuse-overlayfs.',
};

/** Of each pair the last word counts; `default` is what fuse-overlayfs mounts with. */
const PAIRS: readonly { readonly on: string; readonly off: string; readonly default: 'on' | 'off' }[] = [
  { on: 'suid', off: 'nosuid', default: 'on' },
  { on: 'dev', off: 'nodev', default: 'off' },
  { on: 'exec', off: 'noexec', default: 'on' },
  { on: 'rw', off: 'ro', default: 'on' },
  { on: 'atime', off: 'noatime', default: 'off' },
];

/** The options while they are read. */
class Reading {
  readonly kernel: ByteString[] = [];
  readonly words: string[] = [];
  readonly ids: { uids: IdRange[]; gids: IdRange[]; squashUid: number | null; squashGid: number | null } = {
    uids: [],
    gids: [],
    squashUid: null,
    squashGid: null,
  };
  squashRoot = false;
  staticLinks = false;
  noAcl = false;
  unsynced = false;
  source: ByteString | null = null;
  context: ByteString | null = null;

  take(item: OptionItem): void {
    const { name, value } = item;
    const own = Object.hasOwn(OWN, name) ? OWN[name] : undefined;
    if (own) own(this, item);
    else if (Object.hasOwn(REFUSED, name)) refuse(item);
    else if (PAIRS.some(({ on, off }) => value === null && (name === on || name === off))) this.words.push(name);
    else if (!TUNING.has(name) && !isGenericOption(item)) this.kernel.push(written(item));
  }
}

const OWN: Readonly<Record<string, (reading: Reading, item: OptionItem) => void>> = {
  uidmapping: (reading, item) => void (reading.ids.uids = idRanges(item)),
  gidmapping: (reading, item) => void (reading.ids.gids = idRanges(item)),
  squash_to_root: (reading) => void (reading.squashRoot = true),
  squash_to_uid: (reading, item) => void (reading.ids.squashUid = idOf(item)),
  squash_to_gid: (reading, item) => void (reading.ids.squashGid = idOf(item)),
  static_nlink: (reading) => void (reading.staticLinks = true),
  noacl: (reading) => void (reading.noAcl = true),
  volatile: (reading) => void (reading.unsynced = true),
  fsync: (reading, item) => {
    if (item.value === '0' || item.value === '1') reading.unsynced = item.value === '0';
    else reading.kernel.push(written(item));
  },
  // It means that no redirects are written; they are not, without it either.
  redirect_dir: (reading, item) => {
    if (item.value !== 'off') reading.kernel.push(written(item));
  },
  allow_other: (reading) => void reading.words.push('allow_other'),
  fsname: (reading, { value }) => void (reading.source = value),
  context: (reading, { value }) => void (reading.context = value),
};

/**
 * Reads the `-o` texts of a program that calls fuse-overlayfs, as container engines do (clients.md, semantics 8.3). What
 * the kernel's overlayfs knows beyond that is taken too: `metacopy=on`, `redirect_dir=on`, `index=on`, `userxattr`.
 * Unlike fuse-overlayfs before 1.15, `\:` in a lower is a colon of its name.
 * @param cwd what relative layers are relative to
 * @throws Failure for layers and values that mean nothing, and for what Lamina would have to disobey
 */
export function parseFuseOverlayfs(texts: readonly ByteString[], cwd: ByteString): FuseOverlayfsCall {
  const reading = new Reading();
  for (const item of splitOptions(texts.join(','))) reading.take(item);
  const mount = parseMountOptions(reading.kernel.join(','), cwd);
  const { staticLinks, noAcl, unsynced, source, context } = reading;
  const { unknown } = mount;
  return {
    mount,
    owners: ownersOf(reading),
    staticLinks,
    noAcl,
    unsynced,
    source,
    context,
    unknown,
    flags: flagsOf(reading),
  };
}

/** `squash_to_uid` and `squash_to_gid` go before `squash_to_root`. */
function ownersOf({ ids, squashRoot }: Reading): OwnerRules | null {
  const root = squashRoot ? 0 : null;
  const rules = { ...ids, squashUid: ids.squashUid ?? root, squashGid: ids.squashGid ?? root };
  const changes = rules.uids.length + rules.gids.length > 0 || rules.squashUid !== null || rules.squashGid !== null;
  return changes ? rules : null;
}

function flagsOf({ words }: Reading): string[] {
  const flags = PAIRS.map(
    (pair) => words.findLast((word) => word === pair.on || word === pair.off) ?? pair[pair.default],
  );
  return words.includes('allow_other') ? [...flags, 'allow_other'] : flags;
}

/** `[:]INSIDE:OUTSIDE:COUNT:…`: what the layers store, what the mount shows, and how many ids follow each other. */
function idRanges(item: OptionItem): IdRange[] {
  const numbers = (item.value ?? '').replace(/^:/, '').split(':').map(toId);
  if (numbers.length % 3 !== 0 || numbers.includes(null))
    throw badValue(item, 'It takes triples of numbers: inside id, outside id, count.');
  const ids = numbers as number[];
  return Array.from({ length: ids.length / 3 }, (_, i) => ({
    stored: ids[3 * i]!,
    shown: ids[3 * i + 1]!,
    count: ids[3 * i + 2]!,
  }));
}

const toId = (text: string): number | null => (/^\d{1,10}$/.test(text) ? Number(text) : null);

function idOf(item: OptionItem): number {
  const id = toId(item.value ?? '');
  if (id === null) throw badValue(item, `It takes a number, such as 0 or ${NOBODY}.`);
  return id;
}

function badValue(item: OptionItem, hint: string): Failure {
  return new Failure('EINVAL', `${display(written(item))} is not understood.`, hint);
}

function refuse(item: OptionItem): void {
  if (item.value === '0' || item.value === '') return;
  throw new Failure(
    'EOPNOTSUPP',
    `${display(written(item))} is not supported: the mount would not do what it says.`,
    `${REFUSED[item.name]} Leave the option out, or use fuse-overlayfs.`,
  );
}

function written({ name, value }: OptionItem): ByteString {
  return value === null ? name : `${name}=${value}`;
}
