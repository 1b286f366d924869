// SPDX-License-Identifier: MIT
// Which folder may import which: the table of the architecture, and the reading of an import by it.
import { isBuiltin } from 'node:module';
import { dirname, resolve, sep } from 'node:path';

const engine = ['shared', 'system', 'layers', 'overlay'];
const all = [...engine, 'commands', 'images', 'composefs', 'fuse', 'mounts'];

/**
 * A folder of src/ (of src/main/ for those of the main process; `main` is its entry), and what it may import beside
 * itself. `node`: Node's built-in modules. `packages`: npm packages, true for all but those that need a house of their
 * own, below.
 */
export const houses = {
  shared: { folders: [], node: false, packages: true },
  commands: { folders: ['shared'], node: true, packages: true },
  system: { folders: ['shared'], node: true, packages: true },
  layers: { folders: ['shared', 'system'], node: true, packages: true },
  overlay: { folders: ['shared', 'system', 'layers'], node: true, packages: true },
  images: { folders: engine, node: true, packages: true },
  composefs: { folders: engine, node: true, packages: true },
  fuse: { folders: [...engine, 'commands'], node: true, packages: true },
  mounts: { folders: [...engine, 'commands', 'fuse'], node: true, packages: true },
  cli: { folders: all, node: true, packages: true },
  desktop: { folders: all, node: true, packages: true },
  main: { folders: [...all, 'desktop'], node: true, packages: true },
  preload: { folders: ['shared'], node: false, packages: ['electron'] },
  renderer: { folders: ['shared'], node: false, packages: true },
};

/** Packages that only these houses may import: Electron stays at the edge, native code away from the window. */
const housebound = {
  electron: ['desktop', 'main', 'preload'],
  'electron-store': ['desktop', 'main'],
  koffi: ['system', 'fuse'],
  'fuse-native': ['fuse'],
};

/** The house of a file, or undefined outside of src/ (tests and scripts may import everything). */
export function houseOf(file, root) {
  const path = file.startsWith(root + sep) ? file.slice(root.length + 1).split(sep) : [];
  if (path[0] !== 'src') return undefined;
  return path[1] === 'main' && path.length > 3 ? path[2] : path[1];
}

/** What is wrong with an import in a file, or undefined. */
export function forbiddenImport(specifier, file, root) {
  const from = houseOf(file, root);
  if (from === undefined) return undefined;
  const rules = houses[from];
  if (rules === undefined)
    return `src has no folder "${from}" in scripts/lint/houses.mjs: say there what it may import`;
  const target = targetOf(specifier, file, root);
  if (target !== undefined) {
    // The programs say their version.
    if (target === resolve(root, 'package.json') && rules.node) return undefined;
    const to = houseOf(target, root);
    if (to === undefined) return `"${from}" must not import from outside of src`;
    return to === from || rules.folders.includes(to) ? undefined : `"${from}" must not import "${to}"`;
  }
  if (isBuiltin(specifier)) return rules.node ? undefined : `"${from}" must not import Node's modules`;
  const name = packageOf(specifier);
  const allowed = housebound[name]?.includes(from) ?? (rules.packages === true || rules.packages.includes(name));
  return allowed ? undefined : `"${from}" must not import the package "${name}"`;
}

function targetOf(specifier, file, root) {
  const [path] = specifier.split('?');
  if (path === '@shared' || path.startsWith('@shared/')) return resolve(root, 'src/shared', `.${path.slice(7)}`);
  return /^\.{0,2}\//.test(path) || /^\.{1,2}$/.test(path) ? resolve(dirname(file), path) : undefined;
}

function packageOf(specifier) {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}
