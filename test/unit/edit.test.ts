// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Composition, Lane } from '../../src/shared/composition';
import { stackOf } from '../../src/shared/composition';
import type { Edit } from '../../src/shared/edit';
import { applyEdit } from '../../src/shared/edit';
import { placeOf, stepMove } from '../../src/shared/step-move';

function compose(change: Partial<Composition> = {}): Composition {
  const entries = (names: string): { id: string; path: string }[] =>
    Array.from(names, (name) => ({ id: name, path: `/${name}` }));
  return {
    id: 'c',
    name: 'test',
    upper: { path: '/u', workdir: '/w' },
    lowers: entries('abc'),
    data: entries('de'),
    options: {},
    mountpoint: null,
    ...change,
  };
}

const drawn = (composition: Composition): string =>
  `${composition.upper?.path ?? '-'}|${composition.lowers.map(({ path }) => path).join('')}|${composition.data
    .map(({ path }) => path)
    .join('')}`.replaceAll('/', '');

describe('applyEdit', () => {
  it.each<[string, Edit, string]>([
    ['adds on top', { type: 'add', lane: 'lower', position: 0, paths: ['/x', '/y'] }, 'u|xyabc|de'],
    ['adds in the data lane', { type: 'add', lane: 'data', position: 9, paths: ['/x'] }, 'u|abc|dex'],
    ['keeps the old upper', { type: 'add', lane: 'upper', position: 0, paths: ['/x'] }, 'x|uabc|de'],
    ['moves down in a lane', { type: 'move', id: 'a', lane: 'lower', position: 2 }, 'u|bac|de'],
    ['moves up in a lane', { type: 'move', id: 'c', lane: 'lower', position: 0 }, 'u|cab|de'],
    ['moves to data', { type: 'move', id: 'a', lane: 'data', position: 1 }, 'u|bc|dae'],
    ['moves data to lower', { type: 'move', id: 'd', lane: 'lower', position: 3 }, 'u|abcd|e'],
    ['swaps with the upper', { type: 'move', id: 'b', lane: 'upper', position: 0 }, 'b|auc|de'],
    ['lowers the upper', { type: 'move', id: 'upper', lane: 'lower', position: 1 }, '-|aubc|de'],
    ['removes', { type: 'remove', id: 'b' }, 'u|ac|de'],
    ['removes the upper', { type: 'remove', id: 'upper' }, '-|abc|de'],
  ])('%s', (_name, edit, expected) => {
    expect(drawn(applyEdit(compose(), edit))).toBe(expected);
  });

  it('answers with the same object when nothing changes', () => {
    const composition = compose({ options: { metacopy: 'on' } });
    const idle: Edit[] = [
      { type: 'move', id: 'b', lane: 'lower', position: 1 },
      { type: 'move', id: 'b', lane: 'lower', position: 2 },
      { type: 'move', id: 'nobody', lane: 'data', position: 0 },
      { type: 'remove', id: 'nobody' },
      { type: 'workdir', path: '/w' },
      { type: 'rename', name: ' ' },
      { type: 'options', set: { metacopy: 'on', volatile: null } },
      { type: 'add', lane: 'lower', position: 0, paths: [] },
    ];
    for (const edit of idle) expect(applyEdit(composition, edit)).toBe(composition);
  });

  it('sets and unsets options', () => {
    const set = applyEdit(compose(), { type: 'options', set: { metacopy: 'on', volatile: true } });
    expect(set.options).toEqual({ metacopy: 'on', volatile: true });
    expect(applyEdit(set, { type: 'options', set: { metacopy: null } }).options).toEqual({ volatile: true });
  });

  it('keeps ids unique and loses no layer in any run of moves', () => {
    const lane = fc.constantFrom<Lane>('upper', 'lower', 'data');
    const moves = fc.array(fc.record({ pick: fc.nat(5), lane, position: fc.nat(6) }), { maxLength: 20 });
    fc.assert(
      fc.property(moves, (run) => {
        let composition = compose();
        for (const { pick, lane, position } of run) {
          const id = stackOf(composition)[pick]?.id;
          if (id !== undefined) composition = applyEdit(composition, { type: 'move', id, lane, position });
        }
        const stack = stackOf(composition);
        expect(new Set(stack.map(({ id }) => id)).size).toBe(stack.length);
        expect(stack.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/c', '/d', '/e', '/u']);
      }),
    );
  });
});

describe('stepMove', () => {
  it('walks a layer from the top of the stack to its bottom and back', () => {
    let composition = compose({ upper: null, lowers: [{ id: 'a', path: '/a' }], data: [{ id: 'd', path: '/d' }] });
    const seen = [drawn(composition)];
    const walk = (direction: 'up' | 'down'): void => {
      const id = stackOf(composition).find(({ path }) => path === '/a')?.id ?? '';
      const edit = stepMove(composition, id, direction);
      if (edit) composition = applyEdit(composition, edit);
      seen.push(edit ? drawn(composition) : 'end');
    };
    for (const direction of ['up', 'up', 'down', 'down', 'down', 'down'] as const) walk(direction);
    expect(seen).toEqual(['-|a|d', 'a||d', 'end', '-|a|d', '-||ad', '-||da', 'end']);
  });

  it('knows no place of a layer that is not there', () => {
    expect(placeOf(compose(), 'nobody')).toBeNull();
    expect(stepMove(compose(), 'nobody', 'up')).toBeNull();
  });
});
