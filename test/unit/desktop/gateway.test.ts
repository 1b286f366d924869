// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { REQUESTS } from '../../../src/shared/contract';
import { Failure } from '../../../src/shared/failure';
import type { Handlers } from '../../../src/main/desktop/gateway';
import { createGateway } from '../../../src/main/desktop/gateway';

function gatewayWith(handlers: Partial<Handlers>): {
  call: ReturnType<typeof createGateway>;
  log: ReturnType<typeof vi.fn>;
} {
  const log = vi.fn();
  return { call: createGateway(handlers as Handlers, log), log };
}

describe('the gateway', () => {
  it('answers in an envelope', async () => {
    const { call } = gatewayWith({ 'layers.parse': ({ text }) => ({ paths: [text] }) });
    expect(await call('layers.parse', { text: '/a' })).toEqual({ ok: true, value: { paths: ['/a'] } });
  });

  it.each([
    ['an unknown call', 'layers.delete', {}],
    ['a name from the prototype', 'constructor', {}],
    ['a name that is not text', 7, {}],
    ['a missing parameter', 'layers.parse', {}],
    ['an extra key', 'layers.parse', { text: '', more: 1 }],
    ['a wrong type', 'layers.parse', { text: 1 }],
    ['a relative path', 'layers.inspect', { paths: ['etc'] }],
    ['a path with NUL', 'layers.inspect', { paths: ['/etc\0'] }],
    ['a path that is not bytes', 'layers.inspect', { paths: ['/\u20ac'] }],
    ['NaN for a node', 'view.explain', { view: '1', node: Number.NaN }],
    ['too deep nesting', 'layers.parse', JSON.parse('['.repeat(40) + ']'.repeat(40))],
  ])('refuses %s', async (_what, name, params) => {
    const handler = vi.fn();
    const { call } = gatewayWith({ 'layers.parse': handler, 'layers.inspect': handler, 'view.explain': handler });
    expect(await call(name, params)).toMatchObject({ ok: false, error: { code: 'bad-call' } });
    expect(handler).not.toHaveBeenCalled();
  });

  it('refuses whatever is not a call, and never throws', async () => {
    const { call } = gatewayWith({});
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.anything(), async (name, params) => {
        fc.pre(typeof name !== 'string' || !Object.hasOwn(REQUESTS, name));
        expect((await call(name, params)).ok).toBe(false);
      }),
    );
  });

  it('reports a Failure with its hint, also one that lost its class on the way', async () => {
    const failure = new Failure('ENOENT', '/a is not there.', 'Make it.');
    const bare = Object.assign(new Error('/b is not there.'), { name: 'Failure', code: 'ENOENT', hint: 'Look.' });
    for (const [thrown, hint] of [
      [failure, 'Make it.'],
      [bare, 'Look.'],
    ] as const) {
      const { call, log } = gatewayWith({ 'mounts.list': () => Promise.reject(thrown) });
      const error = { code: 'ENOENT', message: thrown.message, hint };
      expect(await call('mounts.list', {})).toEqual({ ok: false, error });
      expect(log).not.toHaveBeenCalled();
    }
  });

  it('keeps the stack of a defect to the log', async () => {
    const { call, log } = gatewayWith({
      'mounts.list': () => {
        throw new TypeError('x is undefined');
      },
    });
    const answer = await call('mounts.list', {});
    expect(answer).toMatchObject({ ok: false, error: { code: 'defect' } });
    expect(JSON.stringify(answer)).not.toContain('undefined');
    expect(log).toHaveBeenCalledOnce();
  });
});
