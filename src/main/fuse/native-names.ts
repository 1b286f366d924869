// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { createObject, linkObject, type Caller, type Created, type NewObject } from '../overlay/create';
import type { Entry } from '../overlay/entry';
import { identityOf } from '../overlay/identity';
import { linksOf } from '../overlay/file-data';
import { refuseProtected } from '../overlay/protection';
import { hold, release, removeName } from '../overlay/remove';
import { renameEntry } from '../overlay/rename';
import type { OverlayStack } from '../overlay/stack';
import { FS_IMMUTABLE_FL } from '../system/file-flags';
import { O_PATH, openPlace } from '../system/files';
import { ERRNO, SystemError } from '../system/libc';
import { placeOfFd } from '../system/place';
import { S_IFDIR, S_IFLNK } from '../system/stat';
import type { NativeCall } from './native-call';
import { OP, type NativeOperations } from './native-operations';
import { aboveOf, nameOf, type PathTree } from './path-tree';

/** What libfuse calls a file that is unlinked while it is open, until it is closed (`hidden_name` of lib/fuse.c). */
const HIDDEN = /^\.fuse_hidden[0-9a-f]{16}$/;

/** How long a removal waits for the rename that it may be a part of. */
const WAIT_MS = 20;

/** A name that is gone for libfuse, and not yet from the upper. */
interface Waiting {
  readonly path: ByteString;
  readonly hidden: ByteString;
  readonly entry: Entry;
  readonly timer: NodeJS.Timeout;
}

/**
 * Changes of names.
 *
 * libfuse reaches every object by a path, also one that was unlinked while it is open: in place of an unlink, and before
 * a rename that replaces the file, it renames that to a hidden name beside it, and unlinks this when the file is closed.
 * No such name comes into the upper: the object loses its name, as everywhere, and is kept open (`PathTree.hide`).
 *
 * Which of the two it is, unlink or replacing rename, shows with the next call. So the removal waits for that, or a
 * moment: the rename can then replace the file in one step, and where it fails nothing is lost.
 */
export class NativeNames {
  readonly operations: NativeOperations = [
    [OP.mknod, (call) => this.mknod(call)],
    [OP.mkdir, (call) => this.make(call.path, object(S_IFDIR | call.mode))],
    [OP.symlink, (call) => this.make(call.destination, object(S_IFLNK | 0o777, call.path))],
    [OP.link, (call) => this.link(call.path, call.destination)],
    [OP.unlink, (call) => this.remove(call.path)],
    [OP.rmdir, (call) => this.remove(call.path)],
    [OP.rename, (call) => this.rename(call.path, call.destination)],
  ];
  private waiting: Waiting | null = null;

  constructor(
    private readonly stack: OverlayStack,
    private readonly tree: PathTree,
    private readonly log: (line: string) => void,
  ) {}

  private mknod({ path, mode, device }: NativeCall): number {
    const major = (device >>> 8) & 0xfff;
    const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    return this.make(path, { mode, major, minor, target: '' });
  }

  private make(path: ByteString, what: NewObject): number {
    this.create(path, what);
    return 0;
  }

  /**
   * Makes an object. It is the mounter's: who asks is known to libfuse's thread alone, and so only the mounter may use a
   * writable mount (`optionText`). The caller closes the descriptor that comes with a regular file.
   */
  create(path: ByteString, what: NewObject): Created {
    const parent = this.directoryFor(path);
    const created = createObject(this.stack, parent, nameOf(path), what, mounter());
    this.tree.add(path, created.entry);
    return created;
  }

  /** The directory in which a name is to be made. */
  private directoryFor(path: ByteString): Entry {
    const parent = this.tree.find(aboveOf(path));
    refuseProtected(this.stack, parent, FS_IMMUTABLE_FL);
    if (this.tree.has(path)) throw new SystemError(ERRNO.EEXIST, 'create', path);
    return parent;
  }

  private link(path: ByteString, newPath: ByteString): number {
    const source = this.tree.find(path);
    const parent = this.directoryFor(newPath);
    refuseProtected(this.stack, source);
    const isHidden = this.tree.isHidden(path);
    if (isHidden && (!source.upper || linksOf(this.stack, source) === 0))
      throw new SystemError(ERRNO.ENOENT, 'link', path);
    // A source without a name takes the new one for its own; this one goes on being reached by its hidden path.
    const entry = linkObject(this.stack, isHidden ? twin(source) : source, parent, nameOf(newPath));
    this.tree.add(newPath, entry);
    return 0;
  }

  private remove(path: ByteString): number {
    if (this.tree.isHidden(path)) {
      this.tree.forget(path);
      return 0;
    }
    const entry = this.tree.find(path);
    this.refuseRemoval(entry);
    removeName(this.stack, entry);
    this.tree.forget(path);
    release(entry);
    return 0;
  }

  private refuseRemoval(entry: Entry): void {
    refuseProtected(this.stack, entry.parent!);
    refuseProtected(this.stack, entry);
  }

  private rename(path: ByteString, newPath: ByteString): number {
    if (this.isHiding(path, newPath)) return this.hide(path, newPath);
    if (this.waiting?.path !== newPath) this.removeWaiting();
    const waiting = this.takeWaiting();
    try {
      const replaced = waiting?.entry ?? this.findName(newPath);
      const isGone = this.moveOver(path, newPath, replaced);
      // One that is open is let go of when it is closed.
      if (replaced && waiting && !isGone) hold(this.stack, replaced);
      if (replaced && !waiting) release(replaced);
    } catch (error) {
      if (waiting) this.tree.unhide(waiting.hidden, newPath);
      throw error;
    }
    this.tree.move(path, newPath);
    return 0;
  }

  /** Renames, unless both are names of one inode: then nothing is to be done, and false is returned (rename(2)). */
  private moveOver(path: ByteString, newPath: ByteString, replaced: Entry | null): boolean {
    const source = this.tree.find(path);
    const parent = this.tree.find(aboveOf(newPath));
    for (const each of [source.parent, parent, source, replaced]) if (each) refuseProtected(this.stack, each);
    const identity = replaced && identityOf(this.stack, replaced);
    if (identity !== null && identity === identityOf(this.stack, source)) return false;
    renameEntry(this.stack, source, { parent, name: nameOf(newPath), entry: replaced }, 0);
    return true;
  }

  /** What has the name now, or null. */
  private findName(path: ByteString): Entry | null {
    try {
      return this.tree.find(path);
    } catch (error) {
      if (error instanceof SystemError && error.errno === ERRNO.ENOENT) return null;
      throw error;
    }
  }

  private isHiding(path: ByteString, newPath: ByteString): boolean {
    return aboveOf(path) === aboveOf(newPath) && HIDDEN.test(nameOf(newPath)) && this.tree.isOpen(path);
  }

  private hide(path: ByteString, hidden: ByteString): number {
    this.removeWaiting();
    const entry = this.tree.find(path);
    this.refuseRemoval(entry);
    this.tree.hide(path, hidden);
    this.waiting = { path, hidden, entry, timer: setTimeout(() => this.removeWaiting(), WAIT_MS) };
    return 0;
  }

  private takeWaiting(): Waiting | null {
    const { waiting } = this;
    if (waiting) clearTimeout(waiting.timer);
    this.waiting = null;
    return waiting;
  }

  /** It was an unlink: its name goes now. To be called before any other operation looks at names. */
  removeWaiting(): void {
    const waiting = this.takeWaiting();
    if (!waiting) return;
    try {
      removeName(this.stack, waiting.entry);
    } catch (error) {
      // Who unlinked it was told that it went; the name is there again, and nothing is lost.
      this.log(`unlink: ${String(error)}`);
      this.tree.unhide(waiting.hidden, waiting.path);
    }
  }
}

const object = (mode: number, target = ''): NewObject => ({ mode, major: 0, minor: 0, target });

/** The kernel has applied the umask. */
const mounter = (): Caller => ({ uid: process.geteuid!(), gid: process.getegid!(), umask: 0 });

/** The same object, open once more. */
function twin(entry: Entry): Entry {
  const upper = entry.upper!;
  return { ...entry, upper: { ...upper, fd: openPlace(placeOfFd(upper.fd), O_PATH) } };
}
