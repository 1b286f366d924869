// SPDX-License-Identifier: MIT

/** Rows drawn beyond each edge, so that a quick wheel shows no gap. */
const MARGIN = 8;

/** Which rows of a long list are on screen: only they are drawn. */
export class Viewport {
  top = $state(0);
  height = $state(400);

  constructor(
    readonly row: number,
    private readonly count: () => number,
  ) {}

  get first(): number {
    return Math.max(0, Math.floor(this.top / this.row) - MARGIN);
  }

  get end(): number {
    return Math.min(this.count(), Math.ceil((this.top + this.height) / this.row) + MARGIN);
  }

  /** Positions to draw; the active one is always among them, for aria-activedescendant. */
  positions(active = -1): number[] {
    const lines: number[] = [];
    for (let position = this.first; position < this.end; position++) lines.push(position);
    if (active >= 0 && active < this.count() && (active < this.first || active >= this.end)) lines.push(active);
    return lines;
  }
}
