// SPDX-License-Identifier: MIT
import { bytesOf, display } from '@shared/bytes';
import type { ErrorReport, FoundOnMachine, ImageRow, LookedAt } from '@shared/contract';
import type { Image, Platform } from '@shared/images';
import { CallError, call } from '../app/call.svelte';
import { text } from '../text';
import { IMAGE_SORTS, sortImages, type ImageSort } from './sort-images';

/** An import that waits for a platform to be chosen. */
export interface PlatformQuestion {
  readonly source: string;
  readonly looked: LookedAt;
}

/** The images of the store as the window shows them. */
export class Library {
  images = $state.raw<readonly ImageRow[]>([]);
  loaded = $state(false);
  failure = $state.raw<ErrorReport | null>(null);
  filter = $state('');
  sort = $state.raw<ImageSort>({ key: 'name', descending: false });
  /** Digest of the chosen image; it stays chosen when the list moves. */
  chosen = $state<string | null>(null);
  detail = $state.raw<Image | null>(null);
  /** What the import field says. */
  typed = $state('');
  looking = $state(false);
  importFailure = $state.raw<ErrorReport | null>(null);
  question = $state.raw<PlatformQuestion | null>(null);
  found = $state.raw<FoundOnMachine | null>(null);
  #first: Promise<void> | null = null;
  #turn = 0;
  #detailTurn = 0;

  constructor(private readonly report: (error: unknown) => void) {}

  readonly shown: readonly ImageRow[] = $derived(sortImages(this.#filtered(), this.sort));
  readonly position: number = $derived(this.shown.findIndex(({ digest }) => digest === this.chosen));

  /** Reads the images when somebody first wants them: who only composes needs no store. */
  ready(): Promise<void> {
    if (!this.#first) {
      window.lamina.subscribe('images.changed', () => void this.refresh());
      this.#first = this.refresh();
    }
    return this.#first;
  }

  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const { images } = await call('images.list', {});
      if (turn !== this.#turn) return;
      this.images = images;
      this.failure = null;
      if (this.chosen !== null) await this.#look(this.chosen);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof CallError) this.failure = error.report;
      else this.report(error);
    } finally {
      this.loaded = true;
    }
  }

  select(digest: string): void {
    if (this.chosen === digest) return;
    this.chosen = digest;
    void this.#look(digest);
  }

  sortBy(key: string): void {
    const wanted = IMAGE_SORTS.find((one) => one === key);
    if (!wanted) return;
    const again = this.sort.key === wanted;
    this.sort = { key: wanted, descending: again ? !this.sort.descending : wanted !== 'name' && wanted !== 'platform' };
  }

  /** A name, a reference, or a path; asks for the platform where there are several. */
  async import(source: string): Promise<void> {
    const wanted = source.trim();
    if (wanted === '' || this.looking) return;
    this.looking = true;
    this.importFailure = null;
    try {
      const looked = await call('images.look', { source: wanted });
      if (looked.platforms.length > 1) this.question = { source: wanted, looked };
      else await this.begin(wanted, null, false);
    } catch (error) {
      if (error instanceof CallError) this.importFailure = error.report;
      else this.report(error);
    } finally {
      this.looking = false;
    }
  }

  /** Starts the job. */
  async begin(source: string, platform: Platform | null, inPlace: boolean): Promise<void> {
    try {
      await call('images.import', { source, platform, inPlace });
      this.question = null;
      if (this.typed.trim() === source) this.typed = '';
    } catch (error) {
      this.report(error);
    }
  }

  async importChosen(what: 'file' | 'folder'): Promise<void> {
    try {
      const { path } = await call('images.choose', { what });
      if (path !== null) await this.import(display(path));
    } catch (error) {
      this.report(error);
    }
  }

  /** Files and folders that were dropped. */
  async importPaths(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.import(display(path));
  }

  async lookForStores(): Promise<void> {
    this.found = null;
    try {
      this.found = await call('images.found', {});
    } catch (error) {
      this.found = { stores: [], problems: [] };
      this.report(error);
    }
  }

  /** Carries out a change of names; false where it was refused. */
  async tag(image: string, name: string): Promise<boolean> {
    try {
      await call('images.tag', { image, name });
      return true;
    } catch (error) {
      this.report(error);
      return false;
    }
  }

  async untag(name: string): Promise<void> {
    await call('images.untag', { name }).catch(this.report);
  }

  async #look(image: string): Promise<void> {
    const turn = ++this.#detailTurn;
    try {
      const detail = this.images.some(({ digest }) => digest === image) ? await call('images.detail', { image }) : null;
      if (turn !== this.#detailTurn) return;
      this.detail = detail;
      if (!detail) this.chosen = null;
    } catch (error) {
      if (turn === this.#detailTurn) this.report(error);
    }
  }

  #filtered(): readonly ImageRow[] {
    const wanted = this.filter.trim().toLowerCase();
    if (wanted === '') return this.images;
    return this.images.filter(({ references, id, digest, platform }) =>
      [...references, id, digest, `${platform.os}/${platform.architecture}`].some((part) =>
        part.toLowerCase().includes(wanted),
      ),
    );
  }
}

/** What an image is called: its first name. */
export const titleOf = ({ references }: Pick<ImageRow, 'references'>): string =>
  references[0] === undefined ? text.library.unnamed : display(bytesOf(references[0]));

/** `linux/arm64/v8`. */
export const platformText = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');

/** The first digits of a digest, which tell it from others. */
export const shortDigest = (digest: string): string => digest.slice(digest.indexOf(':') + 1).slice(0, 12);
