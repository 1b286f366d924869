// SPDX-License-Identifier: MIT

/** Compares two streams of bytes as they come, whichever is ahead. */
export class SameBytes {
  private pending: Uint8Array[] = [];
  /** Which of the two the pending bytes are of. */
  private ahead: 0 | 1 = 0;
  /** False from the first difference on. */
  same = true;

  add(side: 0 | 1, bytes: Uint8Array): void {
    if (!this.same || bytes.length === 0) return;
    if (this.pending.length === 0) this.ahead = side;
    if (this.ahead === side) {
      this.pending.push(bytes);
      return;
    }
    let rest = bytes;
    while (rest.length > 0) {
      const first = this.pending[0];
      if (first === undefined) {
        this.ahead = side;
        this.pending.push(rest);
        return;
      }
      const count = Math.min(first.length, rest.length);
      if (Buffer.compare(first.subarray(0, count), rest.subarray(0, count)) !== 0) {
        this.same = false;
        this.pending = [];
        return;
      }
      if (count === first.length) this.pending.shift();
      else this.pending[0] = first.subarray(count);
      rest = rest.subarray(count);
    }
  }

  /** Whether both are the same to their ends. */
  get complete(): boolean {
    return this.same && this.pending.length === 0;
  }
}
