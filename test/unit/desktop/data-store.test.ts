// SPDX-License-Identifier: MIT
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Composition } from '../../../src/shared/composition';
import { DataStore } from '../../../src/main/desktop/data-store';
import type { StoreClass } from '../../../src/main/desktop/json-store';

/** As much of electron-store as we use; the real one needs Electron, and is in the e2e tests. */
class FileStore {
  readonly #file: string;
  constructor({ cwd, name }: { cwd: string; name: string }) {
    this.#file = join(cwd, `${name}.json`);
  }
  get store(): Record<string, unknown> {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, unknown>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
  }
  get(key: string): unknown {
    return this.store[key];
  }
  set(key: string, value: unknown): void {
    writeFileSync(this.#file, JSON.stringify({ ...this.store, [key]: value }));
  }
}

const composition: Composition = {
  id: 'one',
  name: 'One',
  upper: null,
  lowers: [{ id: 'l1', path: '/a' }],
  data: [],
  options: { metacopy: 'on' },
  mountpoint: null,
};

let directory = '';
const open = (): DataStore => new DataStore(FileStore as unknown as StoreClass, directory);

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'lamina-store-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('DataStore', () => {
  it('keeps settings and compositions', () => {
    const store = open();
    expect(store.settings).toEqual({ theme: 'system', showHidden: false, transport: 'auto' });
    store.changeSettings({ theme: 'dark' });
    store.save(composition);
    store.save({ ...composition, id: 'two' });
    store.save({ ...composition, name: 'Renamed' });
    store.select('two');
    const again = open();
    expect(again.settings.theme).toBe('dark');
    expect(again.compositions.map(({ name }) => name)).toEqual(['Renamed', 'One']);
    expect(again.currentId).toBe('two');
    again.remove('two');
    expect(again.currentId).toBe('one');
    expect(again.notices).toEqual([]);
  });

  it.each([
    ['not JSON', '{"compositions": ['],
    ['of another shape', '{"compositions": [{"id": 7}]}'],
  ])('sets a file aside that is %s, and says so', (_what, content) => {
    writeFileSync(join(directory, 'compositions.json'), content);
    const store = open();
    expect(store.compositions).toEqual([]);
    expect(store.notices).toHaveLength(1);
    const aside = readdirSync(directory).find((name) => name.startsWith('compositions.damaged-'));
    expect(readFileSync(join(directory, aside ?? ''), 'utf8')).toBe(content);
    store.save(composition);
    expect(open().compositions).toEqual([composition]);
  });
});
