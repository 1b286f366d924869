// SPDX-License-Identifier: MIT
import * as v from 'valibot';
import type { Composition } from '@shared/composition';
import type { Settings } from '@shared/contract';
import { CompositionSchema, SettingsSchema } from '@shared/contract';
import type { StoreClass } from './json-store';
import { JsonStore } from './json-store';
import type { Bounds } from './fit-bounds';

const BoundsSchema = v.object({ x: v.number(), y: v.number(), width: v.number(), height: v.number() });
const SettingsFile = v.object({
  settings: v.optional(v.partial(SettingsSchema)),
  bounds: v.optional(BoundsSchema),
  maximized: v.optional(v.boolean()),
});
const CompositionsFile = v.object({
  compositions: v.optional(v.array(CompositionSchema)),
  currentId: v.optional(v.string()),
});

const DEFAULTS: Settings = { theme: 'system', showHidden: false, transport: 'auto' };

interface SettingsContent extends Record<string, unknown> {
  settings: Partial<Settings>;
  bounds: Bounds;
  maximized: boolean;
}

interface CompositionsContent extends Record<string, unknown> {
  compositions: Composition[];
  currentId: string;
}

/** Settings, window bounds and compositions on disk. */
export class DataStore {
  /** To be told once in the window. */
  readonly notices: string[] = [];
  readonly #settings: JsonStore<SettingsContent>;
  readonly #compositions: JsonStore<CompositionsContent>;

  constructor(StoreOf: StoreClass, directory: string) {
    this.#settings = new JsonStore(StoreOf, directory, 'settings', SettingsFile, this.notices);
    this.#compositions = new JsonStore(StoreOf, directory, 'compositions', CompositionsFile, this.notices);
  }

  get settings(): Settings {
    return { ...DEFAULTS, ...this.#settings.get('settings') };
  }

  changeSettings(change: Partial<Settings>): Settings {
    const next = { ...this.settings, ...change };
    this.#settings.set('settings', next);
    return next;
  }

  get bounds(): Bounds | null {
    return this.#settings.get('bounds') ?? null;
  }

  get maximized(): boolean {
    return this.#settings.get('maximized') ?? false;
  }

  rememberWindow(bounds: Bounds, maximized: boolean): void {
    this.#settings.set('bounds', { x: bounds.x, y: bounds.y, width: bounds.width, height: bounds.height });
    this.#settings.set('maximized', maximized);
  }

  get compositions(): Composition[] {
    return this.#compositions.get('compositions') ?? [];
  }

  get currentId(): string {
    const wanted = this.#compositions.get('currentId');
    const all = this.compositions;
    return all.find(({ id }) => id === wanted)?.id ?? all[0]?.id ?? '';
  }

  save(composition: Composition): void {
    const all = this.compositions;
    const at = all.findIndex(({ id }) => id === composition.id);
    if (at < 0) all.push(composition);
    else all[at] = composition;
    this.#compositions.set('compositions', all);
  }

  remove(id: string): void {
    this.#compositions.set(
      'compositions',
      this.compositions.filter((composition) => composition.id !== id),
    );
  }

  select(id: string): void {
    this.#compositions.set('currentId', id);
  }
}
