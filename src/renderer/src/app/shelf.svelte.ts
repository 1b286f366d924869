// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import type { Edit } from '@shared/edit';
import { applyEdit } from '@shared/edit';
import { text } from '../text';
import { call } from './call.svelte';
import { History } from './history';

/** What a composition looks like before anything is in it. */
function emptyComposition(name: string): Composition {
  return { id: crypto.randomUUID(), name, upper: null, lowers: [], data: [], options: {}, mountpoint: null };
}

/** The compositions, the one that is open, and the undo history of each. Every change is saved as it is made. */
export class Shelf {
  all = $state.raw<readonly Composition[]>([]);
  currentId = $state('');
  readonly #histories = new Map<string, History<Composition>>();
  /** Histories are plain objects; this tells the runes that one has moved. */
  #moves = $state(0);

  constructor(private readonly report: (error: unknown) => void) {}

  readonly current: Composition = $derived(
    this.all.find(({ id }) => id === this.currentId) ?? this.all[0] ?? emptyComposition(text.compositions.untitled),
  );
  readonly canUndo: boolean = $derived(this.#moves >= 0 && this.#historyOf(this.current.id).canUndo);
  readonly canRedo: boolean = $derived(this.#moves >= 0 && this.#historyOf(this.current.id).canRedo);

  load(all: readonly Composition[], currentId: string): void {
    this.all = all;
    this.currentId = currentId;
  }

  /** Carries out an edit of the open composition; false when it changes nothing. */
  edit(edit: Edit): boolean {
    const before = this.current;
    const after = applyEdit(before, edit);
    if (after === before) return false;
    this.#historyOf(before.id).push(before);
    this.#replace(after);
    return true;
  }

  undo(): boolean {
    return this.#travel(this.#historyOf(this.current.id).undo(this.current));
  }

  redo(): boolean {
    return this.#travel(this.#historyOf(this.current.id).redo(this.current));
  }

  select(id: string): void {
    this.currentId = id;
    call('compositions.select', { id }).catch(this.report);
  }

  create(): void {
    this.#addAndSelect(emptyComposition(this.#freeName(text.compositions.untitled)));
  }

  duplicate(): void {
    const { current } = this;
    this.#addAndSelect({
      ...current,
      id: crypto.randomUUID(),
      name: this.#freeName(text.compositions.copyOf(current.name)),
    });
  }

  /** There is always one: deleting the last leaves an empty one. */
  remove(id: string): void {
    this.all = this.all.filter((composition) => composition.id !== id);
    call('compositions.remove', { id }).catch(this.report);
    const next = this.all[0];
    if (next) this.select(next.id);
    else this.create();
  }

  #addAndSelect(composition: Composition): void {
    this.all = [...this.all, composition];
    call('compositions.save', { composition }).catch(this.report);
    this.select(composition.id);
  }

  #travel(composition: Composition | null): boolean {
    if (composition) this.#replace(composition);
    return composition !== null;
  }

  #replace(composition: Composition): void {
    this.all = this.all.map((other) => (other.id === composition.id ? composition : other));
    this.#moves++;
    call('compositions.save', { composition }).catch(this.report);
  }

  #historyOf(id: string): History<Composition> {
    const known = this.#histories.get(id);
    if (known) return known;
    const history = new History<Composition>();
    this.#histories.set(id, history);
    return history;
  }

  #freeName(wanted: string): string {
    const taken = new Set(this.all.map(({ name }) => name));
    for (let n = 2, name = wanted; ; n++) {
      if (!taken.has(name)) return name;
      name = `${wanted} ${n}`;
    }
  }
}
