// SPDX-License-Identifier: MIT
import type { MountInfo } from '@shared/contract';

const PERIOD_MS = 2000;

/**
 * Keeps the window's list of mounts true. Other sessions and the command line start and stop mounts too, and a
 * mount process may die, so the list is looked up again and again; the window hears only of changes.
 */
export class MountWatch {
  #known = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly list: () => Promise<readonly MountInfo[]>,
    private readonly tell: (mounts: readonly MountInfo[]) => void,
  ) {}

  start(): void {
    this.#timer ??= setInterval(() => void this.check().catch(() => undefined), PERIOD_MS);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Looks now; tells when something changed; answers with the list. */
  async check(): Promise<readonly MountInfo[]> {
    const mounts = await this.list();
    const state = JSON.stringify(mounts);
    if (state !== this.#known) {
      this.#known = state;
      this.tell(mounts);
    }
    return mounts;
  }
}
