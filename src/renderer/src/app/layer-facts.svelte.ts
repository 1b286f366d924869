// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import { stackOf } from '@shared/composition';
import type { LayerFacts } from '@shared/contract';
import { call } from './call.svelte';

/** What main knows of the folders in the stack, by path. */
export class FactsOfLayers {
  byPath = $state.raw<ReadonlyMap<string, LayerFacts>>(new Map());

  /** Looks at all layers of `composition` again: a folder may have gone or come since. */
  async refresh(composition: Composition): Promise<void> {
    const paths = stackOf(composition).map(({ path }) => path);
    if (composition.upper && composition.upper.workdir !== '') paths.push(composition.upper.workdir);
    if (paths.length === 0) return;
    const found = new Map(this.byPath);
    for (let i = 0; i < paths.length; i += 500) {
      const { facts } = await call('layers.inspect', { paths: paths.slice(i, i + 500) });
      for (const fact of facts) found.set(fact.path, fact);
    }
    this.byPath = found;
  }
}
