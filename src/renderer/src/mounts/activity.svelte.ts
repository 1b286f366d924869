// SPDX-License-Identifier: MIT
import type { MountActivity } from '@shared/contract';
import { call } from '../app/call.svelte';
import { ratesBetween, totalsOf, type Rates } from './rates';

const PERIOD_MS = 1000;
/** A minute. */
export const SAMPLES = 60;

/** The last minute of a live mount, measured while it is shown. */
export class Activity {
  rates = $state.raw<readonly Rates[]>([]);
  now = $state.raw<MountActivity | null>(null);
  #before: { readonly totals: Rates; readonly at: number } | null = null;

  /** Measures a mount until the returned function is called. A mount that does not answer is asked again. */
  measure(id: string): () => void {
    const timer = setInterval(() => void this.#look(id), PERIOD_MS);
    void this.#look(id);
    return () => clearInterval(timer);
  }

  async #look(id: string): Promise<void> {
    if (document.hidden) return;
    try {
      const activity = await call('mounts.activity', { id });
      const totals = totalsOf(activity);
      const at = performance.now();
      const { now } = this;
      if (now && this.#before) {
        const rates = ratesBetween(this.#before.totals, totals, at - this.#before.at);
        this.rates = [...this.rates, rates].slice(-SAMPLES);
      }
      this.#before = { totals, at };
      this.now = activity;
    } catch {
      // It has ended, or is busy: the list of mounts tells.
    }
  }
}
