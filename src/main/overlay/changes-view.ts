// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { countChanges, type ChangeCounts, type ChangeKind } from '@shared/changes';
import type { Composition } from '@shared/composition';
import type { ChangeRow, ChangesPage, ChangesStatus } from '@shared/contract';
import { engineOptions } from '@shared/lamina-options';
import { ChangeScan } from './change-scan';
import { settleChanges, type FoundChange } from './changes';
import { OverlayStack } from './stack';

/** What of the list a window wants to see. */
export interface ChangesFilter {
  readonly kinds: readonly ChangeKind[];
  /** Part of the path as it is shown, in any case; empty for all. */
  readonly text: string;
}

/** What the upper of a composition changes, as the window follows it: searched in slices, read in pages. */
export class ChangesView {
  private readonly stack: OverlayStack;
  private readonly scan: ChangeScan;
  private search: Generator<void, boolean> | null = null;
  /** Moves whenever the list has changed. */
  private version = 0;
  private rows: readonly ChangeRow[] = [];
  private counts: ChangeCounts = countChanges([]);
  private searched = false;
  private filtered: { readonly key: string; readonly rows: readonly ChangeRow[] } | null = null;

  /** @throws Failure that names the layer that cannot be read, or where there is no upper */
  constructor(composition: Composition) {
    this.stack = new OverlayStack(composition, engineOptions(composition));
    try {
      this.scan = new ChangeScan(this.stack);
    } catch (error) {
      this.stack.close();
      throw error;
    }
  }

  /**
   * A piece of the search: a new one where the last has come to its end.
   * @returns whether there is more to do for this search
   */
  step(): boolean {
    this.search ??= this.scan.run();
    const { done, value } = this.search.next();
    if (!done) return true;
    this.search = null;
    if (value || !this.searched) this.publish();
    this.searched = true;
    return false;
  }

  /** The first search shows what it has found so far; later ones replace the list when they are done. */
  status(): ChangesStatus {
    if (!this.searched && this.search) this.publish();
    const { version, counts, rows, scan, search } = this;
    return {
      version,
      counts,
      total: rows.length,
      searching: search !== null,
      searched: this.searched,
      seen: scan.seen,
    };
  }

  page({ kinds, text }: ChangesFilter, offset: number, limit: number): ChangesPage {
    const key = JSON.stringify([this.version, kinds, text]);
    if (this.filtered?.key !== key) {
      const wanted = text.toLowerCase();
      const rows = this.rows.filter(
        (row) =>
          kinds.includes(row.kind) &&
          (wanted === '' ||
            row.display.toLowerCase().includes(wanted) ||
            row.oldDisplay?.toLowerCase().includes(wanted)),
      );
      this.filtered = { key, rows };
    }
    const { rows } = this.filtered;
    return { version: this.version, total: rows.length, rows: rows.slice(offset, offset + limit) };
  }

  close(): void {
    this.search = null;
    this.stack.close();
  }

  private publish(): void {
    const changes = settleChanges(this.scan);
    this.rows = changes.map(rowOf);
    this.counts = countChanges(changes);
    this.version++;
  }
}

const rowOf = ({ whiteout: _, ...change }: FoundChange): ChangeRow => ({
  ...change,
  display: display(change.path),
  oldDisplay: change.oldPath === null ? null : display(change.oldPath),
});
