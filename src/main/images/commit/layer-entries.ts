// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { topOf, type Entry } from '../../overlay/entry';
import { openData, readLink } from '../../overlay/file-data';
import { unionLinks } from '../../overlay/index-directory';
import { inodeKey } from '../../overlay/inode-key';
import type { OverlayStack } from '../../overlay/stack';
import { OPAQUE_MARK } from '../../overlay/whiteout-names';
import { getXattr, listXattrs } from '../../overlay/xattrs';
import { SystemError } from '../../system/libc';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, type Stat } from '../../system/stat';
import { nameAlone, type WrittenEntry, type WrittenType } from '../tar/write-entry';
import { canWriteXattr } from '../tar/write-pax';
import type { PackedEntry } from '../tar/write-tar';
import { layerItems, type LayerItem } from './layer-diff';
import type { RangeStacks } from './range';
import { keepsOwners, recordOf, withoutOverride } from './recorded-owner';

/** How a layer is packed. */
export interface PackOptions {
  /** Seconds since the epoch: no entry is younger (SOURCE_DATE_EPOCH). Null to keep all times. */
  readonly newest: number | null;
  /** Is told what the layer goes without, a sentence each. */
  readonly note: (text: string) => void;
}

/** Attributes that belong to the machine and not to the file: labels, signatures over an inode, ACLs of a server. */
const OF_THE_MACHINE: ReadonlySet<ByteString> = new Set(['security.selinux', 'security.evm', 'system.nfs4_acl']);

const TYPES: Readonly<Record<number, WrittenType>> = {
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'symlink',
  [S_IFCHR]: 'char',
  [S_IFBLK]: 'block',
  [S_IFIFO]: 'fifo',
};

/** The entries of a layer that is the difference of two trees (`layerItems`), whiteouts in the form of OCI layers. */
export function* layerEntries(stacks: RangeStacks, options: PackOptions): Generator<PackedEntry> {
  const packer = new Packer(stacks.whole, options);
  for (const item of layerItems(stacks)) yield* packer.entries(item);
}

/** What a whiteout and an opaque mark are: an empty file that only its name says something of (image-spec, layer.md). */
const mark = (path: ByteString): PackedEntry => ({ ...nameAlone(path), open: null });

const below = (directory: ByteString, name: ByteString): ByteString =>
  directory === '.' ? name : `${directory}/${name}`;

function whiteoutPath(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

class Packer {
  /** The first path of each object with several names. */
  private readonly links = new Map<string, ByteString>();
  private readonly keepsOwners: boolean;

  constructor(
    private readonly stack: OverlayStack,
    private readonly options: PackOptions,
  ) {
    this.keepsOwners = keepsOwners(stack);
  }

  *entries(item: LayerItem): Generator<PackedEntry> {
    if (item.kind === 'whiteout') return yield mark(whiteoutPath(item.path));
    if (item.kind === 'socket') return this.options.note(`/${display(item.path)} is a socket: no tar can hold it.`);
    yield this.object(item.path, item.entry);
    if (item.opaque) yield mark(below(item.path, OPAQUE_MARK));
  }

  private object(path: ByteString, entry: Entry): PackedEntry {
    const { stat } = topOf(entry);
    const shown = this.shown(path, entry, stat);
    const first = this.firstName(path, stat);
    if (first !== null) return { ...shown, type: 'link', target: first, size: 0, open: null };
    this.tellLost(path, entry);
    if (shown.type === 'symlink') return { ...shown, target: readLink(this.stack, entry), open: null };
    return { ...shown, open: shown.size > 0 ? () => openData(this.stack, entry) : null };
  }

  /** Names that only the index keeps together with the copy in the upper (semantics 1.7): no other stack shows them so. */
  private tellLost(path: ByteString, entry: Entry): void {
    const { stat, xattrs } = topOf(entry);
    if (!xattrs.includes(this.stack.names.nlink)) return;
    // The index has a link of its own.
    const more = unionLinks(this.stack, entry) - (stat.nlink - 1);
    if (more <= 0) return;
    this.options.note(
      `/${display(path)} has ${more} more ${more === 1 ? 'name' : 'names'} below that only a mount with index=on shows ` +
        'as the same file: in the image they are as they are below.',
    );
  }

  /** The object as it is shown, before it is known whether it is another name of one that was packed already. */
  private shown(path: ByteString, entry: Entry, stat: Stat): WrittenEntry {
    const type = TYPES[stat.mode & S_IFMT] ?? 'file';
    const isYounger = this.options.newest !== null && stat.mtime >= this.options.newest;
    const record = this.keepsOwners ? recordOf(this.stack, topOf(entry)) : null;
    const isDevice = type === 'char' || type === 'block';
    return {
      path,
      type: record?.node?.type ?? type,
      mode: record?.mode ?? stat.mode & 0o7777,
      uid: record?.uid ?? this.ownId(stat.uid, process.getuid?.()),
      gid: record?.gid ?? this.ownId(stat.gid, process.getgid?.()),
      mtime: isYounger ? this.options.newest! : stat.mtime,
      mtimeNs: isYounger ? 0 : stat.mtimeNs,
      size: type === 'file' && !record?.node ? stat.size : 0,
      target: '',
      deviceMajor: record?.node?.major ?? (isDevice ? stat.rdevMajor : 0),
      deviceMinor: record?.node?.minor ?? (isDevice ? stat.rdevMinor : 0),
      xattrs: this.xattrs(path, entry),
    };
  }

  /** What an ordinary user has made in a tree that keeps owners in attributes is root's there. */
  private ownId(id: number, own: number | undefined): number {
    return this.keepsOwners && id === own ? 0 : id;
  }

  private xattrs(path: ByteString, entry: Entry): [ByteString, ByteString][] {
    const found: [ByteString, ByteString][] = [];
    for (const stored of listXattrs(this.stack, entry)) {
      const name = this.keepsOwners ? withoutOverride(stored) : stored;
      if (name === null || OF_THE_MACHINE.has(name)) continue;
      const value = getXattr(this.stack, entry, stored);
      if (typeof value === 'number') throw new SystemError(-value, 'getxattr', `/${path}`);
      if (canWriteXattr(name)) found.push([name, value]);
      else this.options.note(`/${display(path)}: the attribute ${display(name)} is left out: no tar can name it.`);
    }
    return found;
  }

  private firstName(path: ByteString, stat: Stat): ByteString | null {
    if (stat.nlink < 2 || (stat.mode & S_IFMT) === S_IFDIR) return null;
    const key = inodeKey(stat);
    const first = this.links.get(key);
    if (first === undefined) this.links.set(key, path);
    return first ?? null;
  }
}
