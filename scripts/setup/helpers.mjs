// SPDX-License-Identifier: MIT
// The launchers: what each starts, and where it goes.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from './project.mjs';
import { SetUpFailure } from './say.mjs';

/** mount(8) looks for its helpers in /sbin alone, wherever the programs are. */
const places = [
  { program: 'cli.js', file: 'bin/lamina', system: '/usr/local/bin/lamina' },
  { program: 'lamina-fuse.js', file: 'bin/lamina-fuse', system: '/usr/local/bin/lamina-fuse' },
  { program: 'mount-helper.js', file: 'sbin/mount.fuse.lamina', system: '/sbin/mount.fuse.lamina' },
];

/** By this line a launcher is known as ours, and so may be replaced and removed. */
const mark = '# A launcher of Lamina (npm run install-helpers).';

const pathOf = ({ file, system }, prefix) => (prefix === undefined ? system : join(prefix, file));

/**
 * Writes the launchers. Returns their paths.
 * @param prefix a folder for bin/ and sbin/ in place of the system's
 * @param checkout where the build is
 */
export function installHelpers(prefix, checkout = projectRoot) {
  return places.map((place) => {
    const path = pathOf(place, prefix);
    refuseForeign(path);
    mkdirSync(dirname(path), { recursive: true });
    // Renamed into place: whoever starts it meanwhile gets a whole one.
    writeFileSync(`${path}.new`, launcher(join(checkout, 'out/main', place.program)), { mode: 0o755 });
    renameSync(`${path}.new`, path);
    return path;
  });
}

/** Removes the launchers that are ours. Returns the paths of those that were there. */
export function uninstallHelpers(prefix) {
  return places
    .map((place) => pathOf(place, prefix))
    .filter((path) => {
      const isThere = contentOf(path) !== null;
      refuseForeign(path);
      rmSync(path, { force: true });
      return isThere;
    });
}

function launcher(program) {
  return `#!/bin/sh\n# SPDX-License-Identifier: MIT\n${mark}\nexec ${quoted(process.execPath)} ${quoted(program)} "$@"\n`;
}

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

function refuseForeign(path) {
  const content = contentOf(path);
  if (content !== null && !content.includes(mark)) throw new SetUpFailure(`${path} is none of Lamina's; move it away`);
}

function contentOf(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}
