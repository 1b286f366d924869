// SPDX-License-Identifier: MIT

type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/**
 * One field of very many records, as a typed array that grows: half a million files take megabytes where an object each
 * would take hundreds.
 */
export class Column<A extends Numbers> {
  values: A;
  length = 0;

  /** @param make the array's constructor, as `(n) => new Int32Array(n)` */
  constructor(private readonly make: (length: number) => A) {
    this.values = make(1024);
  }

  push(value: number): number {
    if (this.length === this.values.length) {
      const grown = this.make(this.length * 2);
      grown.set(this.values as never);
      this.values = grown;
    }
    this.values[this.length] = value;
    return this.length++;
  }

  get(at: number): number {
    return this.values[at]!;
  }

  set(at: number, value: number): void {
    this.values[at] = value;
  }

  add(at: number, value: number): void {
    this.values[at]! += value;
  }
}

export const float64 = (): Column<Float64Array> => new Column((n) => new Float64Array(n));
export const int32 = (): Column<Int32Array> => new Column((n) => new Int32Array(n));
export const uint16 = (): Column<Uint16Array> => new Column((n) => new Uint16Array(n));
export const uint8 = (): Column<Uint8Array> => new Column((n) => new Uint8Array(n));
