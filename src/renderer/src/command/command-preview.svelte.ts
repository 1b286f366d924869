// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import type { CommandForm, RenderedCommand } from '@shared/contract';
import { call } from '../app/call.svelte';

/** The command line of the open composition in the chosen form. */
export class CommandPreview {
  form = $state<CommandForm>('mount');
  rendered = $state.raw<RenderedCommand | null>(null);
  #turn = 0;

  constructor(private readonly report: (error: unknown) => void) {}

  async render(composition: Composition, form: CommandForm): Promise<void> {
    const turn = ++this.#turn;
    try {
      const rendered = await call('command.render', { composition, form });
      if (turn === this.#turn) this.rendered = rendered;
    } catch (error) {
      if (turn === this.#turn) this.report(error);
    }
  }
}
