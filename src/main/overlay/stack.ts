// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { EngineOptions } from '@shared/lamina-options';
import type { Composition, Lane } from '@shared/composition';
import { Failure } from '@shared/failure';
import { layerOn, openLayer, type Layer } from '../layers/layer';
import { DirectoryCache } from '../layers/real-directory';
import { closeFile } from '../system/files';
import { statPath, type Stat } from '../system/stat';
import { getXattrAt, listXattrsAt } from '../system/xattr';
import type { Entry, Real } from './entry';
import { inodeKey } from './inode-key';
import { Origins } from './origins';
import { Owners } from './owners';
import type { UpperArea } from './upper-area';
import { isMarkedOpaque } from './whiteout-names';
import { openArea, openWritable, type WriteOptions } from './writable';
import { OVERLAY_XATTRS, type OverlayXattrs } from './xattr-names';

/** What a lookup depends on, of the options. */
export interface LookupRules {
  /** redirect_dir is `on` or `follow`. */
  readonly follow: boolean;
  readonly metacopy: boolean;
}

const OPEN_DIRECTORIES = 512;

/** What overlayfs answers for a name no file system of today can hold. */
const NAME_MAX = 255;

/** An open stack of layers: what a mount is to the kernel. Close it when done. */
export class OverlayStack {
  readonly layers: readonly Layer[];
  readonly names: OverlayXattrs;
  readonly rules: LookupRules;
  /** `.wh.NAME` files are whiteouts too, and are written as such. */
  readonly ociWhiteouts: boolean;
  /** Null where owners are shown as they are stored. */
  readonly owners: Owners | null;
  readonly staticLinks: boolean;
  readonly posixAcl: boolean;
  readonly root: Entry;
  readonly nameMax = NAME_MAX;
  readonly directories = new DirectoryCache(OPEN_DIRECTORIES);
  /** Index of the last lower that is merged. */
  readonly lastRegular: number;
  readonly data: readonly Layer[];
  readonly origins: Origins;
  /** Where changes go; null while the stack is only read. */
  readonly area: UpperArea | null = null;
  private readonly traps: ReadonlySet<string>;
  private readonly trapNumbers = new Set<number>();

  /**
   * Opens every layer.
   * @param subject the layers; the rules on options are not checked here (`judgeOptions`)
   * @param write   opens the upper for writing: the workdir is prepared, and both are ours alone until `close`
   * @throws Failure that names the layer that cannot be read, or why the upper cannot be written
   */
  constructor(
    subject: Pick<Composition, 'upper' | 'lowers' | 'data'>,
    options: EngineOptions,
    write: WriteOptions | null = null,
  ) {
    this.names = OVERLAY_XATTRS[options.userxattr ? 'user' : 'trusted'];
    this.rules = { follow: options.redirectDir !== 'nofollow', metacopy: options.metacopy };
    this.ociWhiteouts = options.whiteouts === 'oci';
    this.owners = options.owners ? new Owners(options.owners) : null;
    this.staticLinks = options.staticLinks ?? false;
    this.posixAcl = options.noAcl !== true;
    const paths: [ByteString, Lane][] = [
      ...(subject.upper ? [[subject.upper.path, 'upper'] as [ByteString, Lane]] : []),
      ...subject.lowers.map(({ path }): [ByteString, Lane] => [path, 'lower']),
      ...subject.data.map(({ path }): [ByteString, Lane] => [path, 'data']),
    ];
    const pair = write && subject.upper ? openWritable(subject.upper, write, this.names) : null;
    this.layers = this.openAll(paths, pair?.upperFd);
    const lowers = this.layers.filter(({ lane }) => lane === 'lower');
    this.data = this.layers.filter(({ lane }) => lane === 'data');
    this.lastRegular = lowers.at(-1)?.index ?? -1;
    this.origins = new Origins(this.layers, write?.uuid === 'off');
    this.traps = this.findTraps(subject.upper?.workdir ?? '');
    this.root = this.openRoot(lowers);
    if (pair && write && subject.upper) this.area = openArea(this, pair, subject.upper.workdir, write);
  }

  get hasData(): boolean {
    return this.data.length > 0;
  }

  /** @param upperFd of an upper that is open for writing already */
  private openAll(paths: readonly [ByteString, Lane][], upperFd?: number): Layer[] {
    const opened: Layer[] = [];
    try {
      for (const [path, lane] of paths) {
        const fd = lane === 'upper' ? upperFd : undefined;
        opened.push(fd === undefined ? openLayer(path, opened.length, lane) : layerOn(fd, path, opened.length, lane));
      }
    } catch (error) {
      for (const layer of opened) closeFile(layer.root.fd);
      throw error;
    }
    if (!opened.some(({ lane }) => lane === 'lower')) {
      for (const layer of opened) closeFile(layer.root.fd);
      throw new Failure('EINVAL', 'The stack has no lower layer.', 'Add at least one lowerdir.');
    }
    return opened;
  }

  private openRoot(lowers: readonly Layer[]): Entry {
    const upper = this.layers.find(({ lane }) => lane === 'upper');
    const reals = this.withoutHidden(upper, lowers).map((layer) => this.rootReal(layer));
    // Of the last one it is not read: there is nothing below that it could hide.
    for (const { layer } of reals.slice(0, -1)) layer.xattrWhiteouts = this.rootHasXattrWhiteouts(layer);
    return {
      parent: null,
      name: '',
      upper: upper ? this.rootReal(upper) : null,
      lowers: reals,
      metacopy: false,
      lazyData: null,
      redirect: null,
      indexed: false,
      upperUnnamed: false,
      xattrWhiteouts: reals.some(({ layer }) => layer.xattrWhiteouts),
      foundData: null,
    };
  }

  /** The kernel's opaque mark on a layer's root says nothing (semantics 1.1); that of an image layer does. */
  private withoutHidden(upper: Layer | undefined, lowers: readonly Layer[]): readonly Layer[] {
    const isOpaque = ({ root }: Layer): boolean => isMarkedOpaque(this, root, '.');
    if (upper && isOpaque(upper)) return [];
    const opaque = lowers.findIndex(isOpaque);
    return opaque < 0 ? lowers : lowers.slice(0, opaque + 1);
  }

  private rootReal(layer: Layer): Real {
    const xattrs = listXattrsAt(layer.root.fd, '.');
    return {
      layer,
      parent: layer.root,
      name: '.',
      stat: layer.rootStat,
      directory: layer.root,
      xattrs: typeof xattrs === 'number' ? [] : xattrs,
      fd: -1,
    };
  }

  private rootHasXattrWhiteouts(layer: Layer): boolean {
    return getXattrAt(layer.root.fd, '.', this.names.opaque) === 'x';
  }

  /** Layer roots and the work directories: a lookup that meets one inside a layer gives ELOOP (semantics 2.8). */
  private findTraps(workdir: ByteString): ReadonlySet<string> {
    const stats = this.layers.map(({ rootStat }) => rootStat);
    for (const path of workdir === '' ? [] : [workdir, `${workdir}/work`, `${workdir}/index`]) {
      try {
        stats.push(statPath(path));
      } catch {
        // Not made yet: then no layer holds it either.
      }
    }
    for (const stat of stats) this.trapNumbers.add(stat.inoLow);
    return new Set(stats.map(inodeKey));
  }

  isTrap(stat: Stat): boolean {
    // Every directory of every lookup comes here: compare numbers first, make a key only for the rare match.
    return this.trapNumbers.has(stat.inoLow) && this.traps.has(inodeKey(stat));
  }

  close(): void {
    this.directories.close();
    this.area?.close();
    this.origins.close();
    for (const layer of this.layers) closeFile(layer.root.fd);
  }

  /** For messages: the layer's letter-less name. */
  describe(layer: Layer): string {
    return `${layer.lane} layer ${display(layer.path)}`;
  }
}
