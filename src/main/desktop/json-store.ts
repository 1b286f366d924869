// SPDX-License-Identifier: MIT
import type Store from 'electron-store';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

export type StoreClass = typeof Store;

/**
 * One JSON file of the app's data folder, kept by electron-store (atomic writes). A file that cannot be read or
 * has the wrong shape is set aside under another name and told of; it never keeps the app from starting.
 */
export class JsonStore<T extends Record<string, unknown>> {
  readonly #store: Store<T>;

  constructor(StoreOf: StoreClass, directory: string, name: string, schema: v.GenericSchema, notices: string[]) {
    const open = (): Store<T> => new StoreOf<T>({ cwd: directory, name });
    let store: Store<T> | null = null;
    try {
      store = open();
      if (!v.is(schema, store.store)) store = null;
    } catch {
      store = null;
    }
    if (!store) {
      const aside = `${name}.damaged-${Date.now()}.json`;
      renameSync(join(directory, `${name}.json`), join(directory, aside));
      notices.push(`${name}.json could not be read. It was set aside as ${join(directory, aside)}.`);
      store = open();
    }
    this.#store = store;
  }

  get<K extends keyof T & string>(key: K): T[K] | undefined {
    return this.#store.get(key);
  }

  set<K extends keyof T & string>(key: K, value: T[K]): void {
    this.#store.set(key, value);
  }
}
