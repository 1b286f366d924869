// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChallenges } from '../../../src/main/images/registry/challenges';
import { isDirect } from '../../../src/main/images/registry/connections';
import { plain } from '../../../src/main/images/registry/plain-text';
import { pauseBefore, defaultRetry, retryAfter } from '../../../src/main/images/registry/retry';
import { nextPage } from '../../../src/main/images/registry/tags';
import { rangeEnd } from '../../../src/main/images/registry/upload-session';

const challenges = (...headers: string[]): unknown =>
  parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('WWW-Authenticate', () => {
  test.each([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
        ],
      ],
    ],
    ['Basic realm="a \\"b\\", c"', [['basic', { realm: 'a "b", c' }]]],
    ['bEARER Realm = "x" , SERVICE=y', [['bearer', { realm: 'x', service: 'y' }]]],
    [
      'Negotiate, Basic realm="x"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'Negotiate YWJj=, Bearer realm="x"',
      [
        ['negotiate', {}],
        ['bearer', { realm: 'x' }],
      ],
    ],
    [
      'Negotiate YWJj, Bearer realm="x"',
      [
        ['negotiate', {}],
        ['bearer', { realm: 'x' }],
      ],
    ],
    ['Bearer realm=https://a.b/c?d=e,service="f"', [['bearer', { realm: 'https://a.b/c?d=e', service: 'f' }]]],
    ['Basic', [['basic', {}]]],
    [', ,Basic realm="x",,', [['basic', { realm: 'x' }]]],
    ['Bearer realm="never ends', [['bearer', {}]]],
    ['Bearer realm="first",realm="second"', [['bearer', { realm: 'first' }]]],
    ['"', []],
    ['', []],
  ])('%s', (header, expected) => expect(challenges(header)).toEqual(expected));

  test('several headers are several challenges', () => {
    expect(challenges('Basic realm="a"', 'Bearer realm="b"')).toEqual([
      ['basic', { realm: 'a' }],
      ['bearer', { realm: 'b' }],
    ]);
  });

  test('what is written by the grammar is read back', () => {
    const token = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,10}$/);
    const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
    const challenge = fc.tuple(
      token,
      fc.uniqueArray(fc.tuple(token, text), { minLength: 1, maxLength: 4, selector: ([name]) => name.toLowerCase() }),
    );
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 4 }), (all) => {
        const header = all
          .map(
            ([scheme, parameters]) =>
              `${scheme} ${parameters.map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&')}"`).join(', ')}`,
          )
          .join(', ');
        expect(challenges(header)).toEqual(
          all.map(([scheme, parameters]) => [
            scheme.toLowerCase(),
            Object.fromEntries(parameters.map(([name, value]) => [name.toLowerCase(), value])),
          ]),
        );
      }),
    );
  });

  test('anything else is read without end or error, and quickly', () => {
    const piece = fc.constantFrom('"', '\\', ',', '=', ' ', '\t', 'a', 'Basic', '\u0000', 'é', '/', 'x="y"');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 300 }), (pieces) => {
        parseChallenges([pieces.join('')]);
      }),
      { numRuns: 300 },
    );
    const started = performance.now();
    for (const long of [
      'a '.repeat(30_000),
      'a=b,'.repeat(20_000),
      `a ${'"\\'.repeat(30_000)}`,
      `a ${'='.repeat(60_000)}`,
    ]) {
      parseChallenges([long]);
    }
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfter('7', now)).toBe(7000);
  expect(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
  expect(retryAfter('Wed, 31 Dec 2025 00:00:05 GMT', now)).toBe(0);
  for (const text of [undefined, '', '-1', '1.5', 'soon', '9'.repeat(30), '2026-01-01'])
    expect(retryAfter(text, now)).toBe(null);
});

test('pauses double up to a longest one', () => {
  const pauses = [2, 3, 4, 12].map((next) => pauseBefore(next, defaultRetry));
  for (const [at, most] of [500, 1000, 2000, 15_000].entries()) {
    expect(pauses[at]).toBeLessThanOrEqual(most);
    expect(pauses[at]).toBeGreaterThanOrEqual(most * 0.75);
  }
});

test('the next page of a list', () => {
  expect(nextPage('</v2/a/tags/list?n=5&last=x>; rel="next"')).toBe('/v2/a/tags/list?n=5&last=x');
  expect(nextPage('<a>; rel="prev", <b>; title="c"; rel=next')).toBe('b');
  for (const link of [undefined, '', '<a>', '<a>; rel="nextish"', 'rel="next"', '<>; rel="next"'])
    expect(nextPage(link)).toBe(null);
  const started = performance.now();
  nextPage(`<a>${'; b'.repeat(30_000)}`);
  nextPage('<'.repeat(60_000));
  expect(performance.now() - started).toBeLessThan(2000);
});

test('how much of an upload a registry has', () => {
  const range = (text?: string): number | null => rangeEnd({ headers: text === undefined ? {} : { range: text } });
  expect(range('0-99')).toBe(100);
  expect(range('bytes=0-99')).toBe(100);
  for (const text of [undefined, '0-0', '5-99', '0--1', '0-', 'x', `0-${'9'.repeat(30)}`])
    expect(range(text)).toBe(null);
});

test('no proxy for this machine, nor for the ranges of NO_PROXY', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]']) expect(isDirect(host, '')).toBe(true);
  for (const host of ['10.1.2.3', '[fd00::1]', 'registry.test']) expect(isDirect(host, '')).toBe(false);
  const ranges = 'example.com, 10.0.0.0/8,fd00::/8 192.168.0.0/33,x/8,1.2.3.4/';
  expect(isDirect('10.1.2.3', ranges)).toBe(true);
  expect(isDirect('[fd12::1]', ranges)).toBe(true);
  expect(isDirect('192.168.0.1', ranges)).toBe(false);
  expect(isDirect('11.1.2.3', ranges)).toBe(false);
});

test("a stranger's text is shown without control characters, and not at any length", () => {
  expect(plain('a\u001b[31m\nb\u202e')).toBe('a\\x1b[31m\\nb\\xe2\\x80\\xae');
  expect(plain('x'.repeat(1e6)).length).toBe(201);
});
