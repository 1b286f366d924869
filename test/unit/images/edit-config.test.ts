// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { emptyConfig, withEdits, withLayers, type ConfigDocument } from '../../../src/main/images/commit/edit-config';

const base = (): ConfigDocument => ({
  ...emptyConfig({ os: 'linux', architecture: 'arm64', variant: 'v8' }),
  'unknown.field': 1,
  config: { Env: ['A=1', 'B=2'], Labels: { x: 'y' }, Healthcheck: { Test: ['NONE'] } },
  rootfs: { type: 'layers', diff_ids: ['sha256:1', 'sha256:2'] },
  history: [
    { created_by: 'one' },
    { created_by: 'env', empty_layer: true },
    { created_by: 'two' },
    { created_by: 'cmd', empty_layer: true },
  ],
});

describe('edits', () => {
  test('change what they name and keep the rest, in its order', () => {
    const edited = withEdits(base(), {
      environment: ['B=3', 'C=4=5', 'A'],
      labels: ['x', 'n=a=b'],
      user: 'me',
      entrypoint: ['/e'],
      author: 'Me',
    });
    expect(edited).toMatchObject({ 'unknown.field': 1, author: 'Me', variant: 'v8' });
    expect(edited.config).toEqual({
      Env: ['B=3', 'C=4=5'],
      Labels: { n: 'a=b' },
      Healthcheck: { Test: ['NONE'] },
      User: 'me',
      Entrypoint: ['/e'],
    });
    const back = withEdits(edited, { environment: ['B', 'C'], labels: ['n'], user: '', entrypoint: [], author: '' });
    expect(back.config).toEqual({ Healthcheck: { Test: ['NONE'] } });
    expect(Object.hasOwn(back, 'author')).toBe(false);
    expect(withEdits(base(), {})).toEqual(base());
  });
});

describe('layers', () => {
  const step = { created: '2020-01-01T00:00:00Z', created_by: 'new' };
  const told = ({ history }: ConfigDocument): string[] =>
    history!.map(({ created_by, empty_layer }) => `${created_by ?? '?'}${empty_layer ? ' -' : ''}`);

  test.each<[number, string[], string[]]>([
    [2, ['sha256:3'], ['one', 'env -', 'two', 'cmd -', 'new']],
    [1, ['sha256:3'], ['one', 'env -', 'two -', 'cmd -', 'new']],
    [0, ['sha256:3'], ['one -', 'env -', 'two -', 'cmd -', 'new']],
    [2, [], ['one', 'env -', 'two', 'cmd -', 'new -']],
  ])('%i kept and %j added', (kept, added, history) => {
    const made = withLayers(base(), kept, added, step);
    expect(told(made)).toEqual(history);
    expect(made.rootfs.diff_ids).toEqual([...base().rootfs.diff_ids.slice(0, kept), ...added]);
    expect(made.created).toBe('2020-01-01T00:00:00Z');
    expect(made.history!.filter(({ empty_layer }) => !empty_layer)).toHaveLength(made.rootfs.diff_ids.length);
  });

  test('a history that is missing is made as long as the layers are many', () => {
    const { history: _, ...without } = base();
    expect(told(withLayers(without, 2, ['sha256:3'], step))).toEqual(['?', '?', 'new']);
  });
});
