// SPDX-License-Identifier: MIT
// Unpacking a zip without the system's unzip, which Debian does not install by itself.
import { chmodSync, createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Unpacks into `target` the files of a zip for which `place` gives a path. */
export async function unzip(file, target, place) {
  // Imported here: this module is loaded before the npm packages are there.
  const { openPromise } = await import('yauzl');
  const zip = await openPromise(file, { autoClose: false });
  try {
    // yauzl refuses names that are absolute or climb with "..".
    for await (const entry of zip.eachEntry()) {
      const path = place(entry.fileName);
      if (!path || entry.fileName.endsWith('/')) continue;
      const destination = join(target, path);
      mkdirSync(dirname(destination), { recursive: true });
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(destination));
      // The upper half of the attributes is the Unix mode.
      chmodSync(destination, (entry.externalFileAttributes >>> 16) & 0o755);
    }
  } finally {
    zip.close();
  }
}
