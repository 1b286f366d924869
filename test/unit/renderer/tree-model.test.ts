// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { EntryRow } from '../../../src/shared/view';
import { TreeModel } from '../../../src/renderer/src/browser/tree-model';

type Folder = { readonly [name: string]: Folder | null };

/** A model over a made-up tree, with the calls that it made. */
async function modelOf(tree: Folder): Promise<{ model: TreeModel; calls: string[]; shown: () => string[] }> {
  const nodes: (Folder | null)[] = [tree];
  const calls: string[] = [];
  const numberOf = (folder: Folder | null): number => {
    const known = folder === null ? -1 : nodes.indexOf(folder);
    return known >= 0 ? known : nodes.push(folder) - 1;
  };
  const rowOf = (name: string, folder: Folder | null): EntryRow =>
    ({
      node: numberOf(folder),
      name,
      kind: folder ? 'directory' : 'file',
      flags: [],
      layers: [0],
    }) as unknown as EntryRow;
  const model = new TreeModel(
    (node, offset, limit) => {
      calls.push(`${node}@${offset}`);
      const names = Object.entries(nodes[node] ?? {});
      const rows = names.slice(offset, offset + limit).map(([name, folder]) => rowOf(name, folder));
      return Promise.resolve({ total: names.length, rows });
    },
    () => undefined,
  );
  await model.load(rowOf('', tree));
  const shown = (): string[] => Array.from({ length: model.size }, (_, i) => model.slot(i)?.path ?? '?');
  return { model, calls, shown };
}

const TREE: Folder = { a: { x: null, y: { z: null } }, b: null, c: { w: null } };

describe('TreeModel', () => {
  it('shows the names of the root, and those of what is expanded in between', async () => {
    const { model, shown } = await modelOf(TREE);
    expect(shown()).toEqual(['/a', '/b', '/c']);
    expect((await model.find('/a/y/z'))?.path).toBe('/a/y/z');
    expect((await model.find('/c/w'))?.path).toBe('/c/w');
    expect(shown()).toEqual(['/a', '/a/x', '/a/y', '/a/y/z', '/b', '/c', '/c/w']);
    expect(model.expandedPaths()).toEqual(['/a', '/a/y', '/c']);
  });

  it('knows the line of every name', async () => {
    const { model } = await modelOf(TREE);
    await model.find('/a/y/z');
    for (let position = 0; position < model.size; position++) {
      const slot = model.slot(position);
      expect(slot && model.positionOf(slot.directory, slot.index)).toBe(position);
    }
    expect(model.slot(model.size)).toBeNull();
    expect(model.slot(-1)).toBeNull();
  });

  it('folds a directory with all that is open in it', async () => {
    const { model, shown } = await modelOf(TREE);
    await model.find('/a/y/z');
    const opened = model.slot(0)?.expanded;
    if (opened) model.collapse(opened);
    expect(shown()).toEqual(['/a', '/b', '/c']);
  });

  it('finds nothing below a file or a missing name', async () => {
    const { model } = await modelOf(TREE);
    expect(await model.find('/b/x')).toBeNull();
    expect(await model.find('/nothing')).toBeNull();
  });

  it('loads of 100,000 names what is looked at', async () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`n${i}`, null]));
    const { model, calls } = await modelOf({ many });
    await model.find('/many');
    const slot = model.slot(0);
    if (slot) await model.expand(slot);
    expect(model.size).toBe(100_001);
    expect(model.slot(70_000)?.row).toBeUndefined();
    model.ensure(70_000, 70_040);
    await Promise.resolve();
    expect(calls).toEqual(['0@0', '1@0', '1@69500', '1@70000']);
    await expect.poll(() => model.slot(70_001)?.path).toBe('/many/n70000');
  });
});
