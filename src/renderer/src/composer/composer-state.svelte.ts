// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import type { Lane } from '@shared/composition';
import type { Place } from '@shared/step-move';
import { placeOf, stepMove } from '@shared/step-move';
import { call } from '../app/call.svelte';
import type { Workspace } from '../app/workspace.svelte';
import { text } from '../text';

/** The composer's own state: the picked-up layer, the insertion mark, and the ways in which layers come and go. */
export class ComposerState {
  /** The layer that the keyboard holds, by its place, since ids change when it passes the upper lane. */
  held = $state.raw<string | null>(null);
  /** Where a drag would drop. */
  mark = $state.raw<Place | null>(null);
  dragging = $state.raw<string | null>(null);
  /** The layer that has the keyboard focus, or had it last. */
  focus = $state('');
  #heldMoves = 0;

  constructor(private readonly workspace: Workspace) {}

  /** Adds layers unless they are in the stack already; says so where they are. */
  add(lane: Lane, position: number, paths: readonly string[]): void {
    const { workspace } = this;
    const known = new Map(workspace.stack.map((layer) => [layer.path, layer.letter]));
    const fresh = [...new Set(paths)].filter((path) => !known.has(path));
    for (const path of paths) {
      const letter = known.get(path);
      if (letter !== undefined)
        workspace.notices.warn(text.composer.already(display(path), letter), text.composer.alreadyHint);
    }
    if (fresh.length === 0) return;
    workspace.edit({ type: 'add', lane, position, paths: fresh });
    workspace.notices.announce(text.composer.added(fresh.length));
    const added = workspace.stack.find(({ path }) => path === fresh[0]);
    if (added) this.focus = added.id;
  }

  /** Adds layers of images, the top one first; they are only ever read, and so never the upper. */
  addLayers(folders: readonly string[], { lane, position }: Place = { lane: 'lower', position: 0 }): void {
    if (lane === 'upper') this.add('lower', 0, folders);
    else this.add(lane, position, folders);
  }

  async addText(typed: string, place: Place): Promise<boolean> {
    const { notices } = this.workspace;
    try {
      const { paths } = await call('layers.parse', { text: typed });
      if (paths.length === 0) notices.warn(text.composer.noPath, text.composer.noPathHint);
      else this.add(place.lane, place.position, paths);
      return paths.length > 0;
    } catch (error) {
      notices.error(error);
      return false;
    }
  }

  async addByDialog(lane: Lane): Promise<void> {
    const title = text.composer.addTitle[lane];
    try {
      const { paths } = await call('layers.choose', { title, multiple: lane !== 'upper' });
      if (paths.length > 0) this.add(lane, this.#newPosition(lane), paths);
    } catch (error) {
      this.workspace.notices.error(error);
    }
  }

  async chooseWorkdir(): Promise<void> {
    try {
      const { paths } = await call('layers.choose', { title: text.composer.workdirTitle, multiple: false });
      if (paths[0] !== undefined) this.workspace.edit({ type: 'workdir', path: paths[0] });
    } catch (error) {
      this.workspace.notices.error(error);
    }
  }

  /** Where a pasted path goes: above the layer last focused, else on top of the lowers. */
  get pastePlace(): Place {
    const place = placeOf(this.workspace.composition, this.focus);
    return place && place.lane !== 'upper' ? place : { lane: 'lower', position: 0 };
  }

  remove(id: string): void {
    const { workspace } = this;
    const { stack } = workspace;
    const at = stack.findIndex((layer) => layer.id === id);
    const layer = stack[at];
    if (!layer) return;
    workspace.edit({ type: 'remove', id });
    workspace.notices.announce(text.composer.removed(display(layer.path)));
    this.focus = (stack[at + 1] ?? stack[at - 1])?.id ?? '';
  }

  move(id: string, lane: Lane, position: number): void {
    const layer = this.workspace.stack.find((other) => other.id === id);
    if (layer && this.workspace.edit({ type: 'move', id, lane, position })) this.#follow(layer.path);
  }

  /** One step up or down, across lanes. */
  step(id: string, direction: 'up' | 'down'): boolean {
    const { workspace } = this;
    const layer = workspace.stack.find((other) => other.id === id);
    const edit = stepMove(workspace.composition, id, direction);
    if (!layer || !edit || !workspace.edit(edit)) {
      workspace.notices.announce(text.composer.atEnd);
      return false;
    }
    if (this.held !== null) this.#heldMoves++;
    this.#follow(layer.path);
    return true;
  }

  pickUp(id: string): void {
    const layer = this.workspace.stack.find((other) => other.id === id);
    if (!layer) return;
    this.held = id;
    this.#heldMoves = 0;
    this.workspace.notices.announce(text.composer.picked(layer.letter));
  }

  drop(): void {
    if (this.held === null) return;
    this.held = null;
    this.workspace.notices.announce(text.composer.dropped);
  }

  /** Esc: takes back all moves since the layer was picked up. */
  restore(): void {
    const path = this.workspace.stack.find(({ id }) => id === this.held)?.path;
    if (path === undefined) return;
    this.held = null;
    for (; this.#heldMoves > 0; this.#heldMoves--) this.workspace.shelf.undo();
    this.#focusPath(path);
    this.workspace.notices.announce(text.composer.restored);
  }

  /** A layer that passes the upper lane changes its id; its path stays. */
  #focusPath(path: string): string {
    const id = this.workspace.stack.find((layer) => layer.path === path)?.id ?? '';
    this.focus = id;
    return id;
  }

  #follow(path: string): void {
    const { composition, notices } = this.workspace;
    const id = this.#focusPath(path);
    if (this.held !== null) this.held = id;
    const place = placeOf(composition, id);
    if (!place) return;
    const of = place.lane === 'upper' ? 1 : composition[place.lane === 'lower' ? 'lowers' : 'data'].length;
    notices.announce(text.composer.moved(display(path), text.composer.lanes[place.lane], place.position + 1, of));
  }

  /** New lowers go on top, where they win; new data-only layers are searched last. */
  #newPosition(lane: Lane): number {
    return lane === 'data' ? this.workspace.composition.data.length : 0;
  }
}
