// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Composition } from '@shared/composition';

/** Puts a composition into a data folder before the app is started on it, as if it had been saved before. */
export function seedComposition(dataDir: string, composition: Partial<Composition>): void {
  mkdirSync(dataDir, { recursive: true });
  const whole: Composition = {
    id: 'seed',
    name: 'Seed',
    upper: null,
    lowers: [],
    data: [],
    options: {},
    mountpoint: null,
    ...composition,
  };
  writeFileSync(join(dataDir, 'compositions.json'), JSON.stringify({ compositions: [whole], currentId: whole.id }));
}
