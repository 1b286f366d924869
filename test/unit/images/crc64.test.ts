// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crc64 } from '../../../src/main/images/tar-split/crc64';

/** The definition, a bit at a time. */
function slowCrc(bytes: Uint8Array): string {
  let crc = 0xffff_ffff_ffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xd800_0000_0000_0000n : crc >> 1n;
  }
  return (crc ^ 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, '0');
}

const sum = (...pieces: Uint8Array[]): string => {
  const crc = new Crc64();
  for (const piece of pieces) crc.update(piece);
  return crc.digest().toString('hex');
};

describe('CRC-64 of ISO 3309', () => {
  it('is that of Go for known texts', () => {
    // From the tests of Go's hash/crc64.
    expect(sum(Buffer.from(''))).toBe('0000000000000000');
    expect(sum(Buffer.from('a'))).toBe('3420000000000000');
  });

  it('is the same in any pieces, at any alignment', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), fc.nat(300), (bytes, shift, cut) => {
        const moved = Buffer.alloc(bytes.length + shift);
        moved.set(bytes, shift);
        const view = moved.subarray(shift);
        expect(sum(view.subarray(0, cut), view.subarray(Math.min(cut, view.length)))).toBe(slowCrc(bytes));
      }),
    );
  });

  it('counts zeros without taking them in', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.nat(5000),
        fc.uint8Array({ maxLength: 20 }),
        (head, zeros, tail) => {
          const crc = new Crc64();
          crc.update(head);
          crc.updateZeros(zeros);
          crc.update(tail);
          expect(crc.digest().toString('hex')).toBe(slowCrc(Buffer.concat([head, Buffer.alloc(zeros), tail])));
        },
      ),
      { numRuns: 50 },
    );
  });
});
