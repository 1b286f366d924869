// SPDX-License-Identifier: MIT

/**
 * CRC-64 of ISO 3309 as Go's hash/crc64 computes it: reflected, started and ended with all bits set. Its polynomial,
 * x^64 + x^4 + x^3 + x + 1, is so short that 32 bits are taken in by a few shifts, without a table.
 */
export class Crc64 {
  private low = -1;
  private high = -1;

  update(bytes: Uint8Array): void {
    let at = 0;
    const end = bytes.length;
    // Byte by byte up to where the words are aligned.
    while (at < end && ((bytes.byteOffset + at) & 3) !== 0) this.byte(bytes[at++]!);
    const count = (end - at) >>> 2;
    if (count > 0) {
      this.words(new Int32Array(bytes.buffer, bytes.byteOffset + at, count));
      at += count * 4;
    }
    while (at < end) this.byte(bytes[at++]!);
  }

  /** Takes in so many zero bytes, in time that grows with the logarithm of their number. */
  updateZeros(count: number): void {
    // The register, as a polynomial, times x^(8 * count), modulo the CRC's: square and multiply.
    let low = this.low;
    let high = this.high;
    let [powerLow, powerHigh] = X8;
    for (let left = count; left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) [low, high] = multiply(low, high, powerLow, powerHigh);
      [powerLow, powerHigh] = multiply(powerLow, powerHigh, powerLow, powerHigh);
    }
    this.low = low;
    this.high = high;
  }

  /** The sum, big-endian: 8 bytes. */
  digest(): Buffer {
    const sum = Buffer.alloc(8);
    sum.writeInt32BE(~this.high, 0);
    sum.writeInt32BE(~this.low, 4);
    return sum;
  }

  private words(words: Int32Array): void {
    let { low, high } = this;
    for (let i = 0; i < words.length; i++) {
      const word = low ^ words[i]!;
      low = high ^ (word << 31) ^ (word << 29) ^ (word << 28);
      high = word ^ (word >>> 1) ^ (word >>> 3) ^ (word >>> 4);
    }
    this.low = low;
    this.high = high;
  }

  private byte(value: number): void {
    // The lowest byte leaves the register; what it leaves behind reaches 12 bits down from the top.
    const out = (this.low ^ value) & 0xff;
    this.low = (this.low >>> 8) | (this.high << 24);
    this.high = (this.high >>> 8) ^ (out << 24) ^ (out << 23) ^ (out << 21) ^ (out << 20);
  }
}

/** x^8: in the reflected register x^0 is the highest bit. */
const X8: readonly [number, number] = [0, 1 << 23];

/** Product of two polynomials modulo the CRC's, all reflected. */
function multiply(aLow: number, aHigh: number, bLow: number, bHigh: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let bit = 0; bit < 64; bit++) {
    const set = bit < 32 ? (bHigh >>> (31 - bit)) & 1 : (bLow >>> (63 - bit)) & 1;
    if (set === 1) {
      low ^= aLow;
      high ^= aHigh;
    }
    // a times x: one to the right; what falls out of x^63 comes back as x^4 + x^3 + x + 1.
    const carry = aLow & 1;
    aLow = (aLow >>> 1) | (aHigh << 31);
    aHigh = (aHigh >>> 1) ^ (carry === 1 ? 0xd8000000 | 0 : 0);
  }
  return [low, high];
}
