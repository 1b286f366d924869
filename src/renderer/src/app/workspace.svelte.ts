// SPDX-License-Identifier: MIT
import { untrack } from 'svelte';
import type { Composition, StackLayer } from '@shared/composition';
import { stackOf } from '@shared/composition';
import type { HostInfo, MountInfo, Settings } from '@shared/contract';
import type { Edit } from '@shared/edit';
import type { OptionFinding, OptionVerdict } from '@shared/options';
import { judgeOptions } from '@shared/options';
import { AnalysisState } from '../analysis/analysis.svelte';
import { Tree } from '../browser/tree.svelte';
import { ChangeList } from '../changes/change-list.svelte';
import { CommandPreview } from '../command/command-preview.svelte';
import { CompareState } from '../compare/compare.svelte';
import { ComposerState } from '../composer/composer-state.svelte';
import { draggableFolders } from '../composer/drag';
import { Inspection } from '../inspector/inspection.svelte';
import { Jobs } from '../jobs/jobs.svelte';
import { Library, titleOf } from '../library/library.svelte';
import { choicesOf, type Choice } from '../study/subjects';
import { text } from '../text';
import { call } from './call.svelte';
import { FactsOfLayers } from './layer-facts.svelte';
import { Notices } from './notices.svelte';
import { Panes } from './panes.svelte';
import { Shelf } from './shelf.svelte';

/** A line of the list of problems, and where in the window it is explained. */
export interface Problem {
  readonly message: string;
  readonly selector: string;
}

/** What the window shows, in the order of the rail and of Ctrl+1, Ctrl+2, … */
export const SCREENS = ['compose', 'library', 'compare', 'analysis'] as const;
export type Screen = (typeof SCREENS)[number];

/** What the middle of the window shows. */
export type Middle = 'merged' | 'changes';

/** Everything that the one window shows, and how a change in one part reaches the others. */
export class Workspace {
  readonly notices = new Notices();
  readonly #report = (error: unknown): void => this.notices.error(error);
  readonly shelf = new Shelf(this.#report);
  readonly tree = new Tree(this.#report);
  readonly changes = new ChangeList(this.#report);
  readonly inspection = new Inspection(this.#report);
  readonly command = new CommandPreview(this.#report);
  readonly facts = new FactsOfLayers();
  readonly panes = new Panes();
  readonly library = new Library(this.#report);
  readonly jobs = new Jobs(this.notices);
  readonly analysis = new AnalysisState(this.#report);
  readonly compare = new CompareState(this.#report);
  readonly composer = new ComposerState(this);

  #fresh: Promise<void> = Promise.resolve();

  settings = $state.raw<Settings>({ theme: 'system', showHidden: false, transport: 'auto' });
  host = $state.raw<HostInfo>({ kernel: '', uid: 0, fuse: true, version: '' });
  mounts = $state.raw<readonly MountInfo[]>([]);
  middle = $state<Middle>('merged');
  screen = $state<Screen>('compose');

  readonly composition: Composition = $derived(this.shelf.current);
  readonly stack: readonly StackLayer[] = $derived(stackOf(this.composition));
  readonly verdict: OptionVerdict = $derived(judgeOptions(this.composition));
  /** The live mount of the open composition. */
  readonly liveMount: MountInfo | null = $derived(
    this.mounts.find(({ compositionId }) => compositionId === this.composition.id) ?? null,
  );
  /** A volatile mount has left its marker in the workdir (semantics 6). */
  readonly isVolatile: boolean = $derived(
    this.facts.byPath.get(this.composition.upper?.workdir ?? '')?.volatile === true,
  );
  /** Ids of the layers that take part in what is selected in the browser. */
  readonly litLayers: ReadonlySet<string> = $derived(this.#lit());
  /** Findings that change or refuse the mount, and layers that cannot be used. An empty stack is no problem yet. */
  readonly findings: readonly OptionFinding[] = $derived(this.stack.length === 0 ? [] : this.verdict.findings);
  readonly problems: readonly Problem[] = $derived(this.#problems());

  /** What can be analysed and compared. */
  readonly choices: readonly Choice[] = $derived(choicesOf(this.shelf.all, this.composition, this.library.images));

  async start(): Promise<void> {
    window.lamina.subscribe('mounts.changed', ({ mounts }) => (this.mounts = mounts));
    const state = await call('app.state', {});
    this.settings = state.settings;
    this.host = state.host;
    this.mounts = state.mounts;
    this.tree.hidden = state.settings.showHidden;
    this.shelf.load(state.compositions, state.currentId);
    for (const notice of state.notices) this.notices.info(notice);
    this.jobs.start();
    $effect.root(() => this.#react(state.select));
  }

  /** Goes to an image in the library. */
  showImage(digest: string): void {
    this.screen = 'library';
    this.library.filter = '';
    this.library.select(digest);
  }

  /** All layers of an image as lowers, the top one first, above those that are there. */
  async addImage(digest: string): Promise<void> {
    try {
      const image = await call('images.detail', { image: digest });
      this.composer.addLayers(image.layers.map(({ folder }) => folder).reverse());
      this.notices.announce(text.library.added(image.layers.length, titleOf(image)));
    } catch (error) {
      this.notices.error(error);
    }
  }

  /** Lets the mouse drag a whole image into the stack. Its layers are asked for when it is pointed at. */
  dragImage(digest: string): (element: HTMLElement) => void | (() => void) {
    return draggableFolders(() => {
      const { detail } = this.library;
      return detail?.digest === digest ? detail.layers.map(({ folder }) => folder).reverse() : [];
    });
  }

  /** Goes to the analysis of an image. */
  analyseImage(digest: string): void {
    const choice = this.choices.find(({ key }) => key === `image:${digest}`);
    if (!choice) return;
    this.screen = 'analysis';
    void this.analysis.start(choice);
  }

  edit(edit: Edit): boolean {
    return this.shelf.edit(edit);
  }

  undo(): void {
    if (this.shelf.undo()) this.notices.announce(text.app.undone);
  }

  redo(): void {
    if (this.shelf.redo()) this.notices.announce(text.app.redone);
  }

  changeSettings(change: Partial<Settings>): void {
    this.settings = { ...this.settings, ...change };
    if (change.showHidden !== undefined) void this.tree.showHidden(change.showHidden);
    call('settings.set', change).catch(this.#report);
  }

  /** Shows one of the middle's tabs. What the upper changed meanwhile is in the merged view then too. */
  show(middle: Middle): void {
    this.middle = middle;
    if (middle === 'merged') void this.#freshen();
  }

  /** Goes to a path in the merged view. */
  async showMerged(path: string): Promise<void> {
    this.middle = 'merged';
    try {
      await this.#freshen();
      await this.tree.go(path);
    } catch (error) {
      this.notices.error(error);
    }
  }

  /** Explains a path without going there. */
  async inspectPath(path: string): Promise<void> {
    await this.#freshen();
    this.tree.inspect(path);
  }

  /** The upper was changed from here: everything that shows it looks again. */
  upperChanged(): void {
    this.changes.poke();
    this.changes.takeMoved();
    this.#fresh = this.tree.open(this.composition);
    void this.facts.refresh(this.composition).catch(this.#report);
  }

  /** Opens the merged view again where the upper has moved since; waits for an opening that is under way. */
  #freshen(): Promise<void> {
    if (this.changes.takeMoved()) this.#fresh = this.tree.open(this.composition);
    return this.#fresh;
  }

  #react(select: string | null): void {
    // Every screen but the first is about images.
    $effect(() => {
      if (this.screen !== 'compose') untrack(() => void this.library.ready());
    });
    // The name and the mount point do not change what is in the tree.
    const content = $derived.by(() => {
      const { id, upper, lowers, data, options } = this.composition;
      return JSON.stringify([id, upper, lowers, data, options]);
    });
    let first = true;
    $effect(() => {
      void content;
      const composition = untrack(() => this.composition);
      untrack(() => void this.facts.refresh(composition).catch(this.#report));
      const opened = untrack(() => this.tree.open(composition));
      if (first) void opened.then(() => this.#settle(select));
      first = false;
    });
    $effect(() => {
      const { composition } = this;
      const { form } = this.command;
      untrack(() => void this.command.render(composition, form));
    });
    $effect(() => {
      const { inspected } = this.tree;
      untrack(() => void this.inspection.show(inspected));
    });
  }

  /** Tells main when the first view is complete, for `--screenshot`. */
  async #settle(select: string | null): Promise<void> {
    if (select !== null) await this.tree.go(select);
    await document.fonts.ready;
    await new Promise((done) => setTimeout(done, 300));
    await call('app.settled', {}).catch(this.#report);
  }

  #lit(): ReadonlySet<string> {
    const { explanation } = this.inspection;
    const row = this.tree.cursor?.row ?? explanation?.row ?? null;
    const numbers = new Set<number>(row?.layers ?? []);
    if (row && row.dataLayer !== null) numbers.add(row.dataLayer);
    if (!row && this.tree.inspected) {
      for (const step of explanation?.ladder ?? []) {
        if (step.role === 'whiteout' || step.role === 'stops' || step.role === 'error') numbers.add(step.layer);
      }
    }
    return new Set([...numbers].map((layer) => this.tree.stack[layer]?.id ?? ''));
  }

  #problems(): readonly Problem[] {
    const layers = this.stack.flatMap(({ letter, id, path }) => {
      const message = this.facts.byPath.get(path)?.problem;
      return message ? [{ message: `${letter}: ${message}`, selector: `[data-layer="${CSS.escape(id)}"]` }] : [];
    });
    const findings = this.findings.filter(({ severity }) => severity !== 'note');
    const marked = this.isVolatile ? [{ message: `U: ${text.volatile.title}`, selector: '[data-volatile]' }] : [];
    return [
      ...layers,
      ...marked,
      ...findings.map(({ message, rule }) => ({ message, selector: `[data-rule="${CSS.escape(rule)}"]` })),
    ];
  }
}
