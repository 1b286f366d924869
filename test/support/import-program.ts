// SPDX-License-Identifier: MIT
// A process that imports an image and may be killed meanwhile: STORE REFERENCE PAUSE_MS [mapped]. It prints what it asked
// for; `mapped` lets it go into a user namespace with the user's subordinate ids first.
import { spawnSync } from 'node:child_process';
import { importImage } from '../../src/main/images/import';
import { parseReference } from '../../src/main/images/references';
import { openSource } from '../../src/main/images/sources/open-source';
import { mappedNamespaceCommand } from '../../src/main/images/store/mapped-namespace';
import { Store } from '../../src/main/images/store/store';
import { farAway, type Asked } from './far-source';

const [folder = '', reference = '', pause = '0', where] = process.argv.slice(2);
if (where === 'mapped') {
  const [command, ...words] = mappedNamespaceCommand() ?? ['false'];
  const again = [...words, process.execPath, process.argv[1]!, folder, reference, pause];
  process.exit(spawnSync(command!, again, { stdio: 'inherit' }).status ?? 1);
}
const store = Store.open(folder);
const registry = (): never => {
  throw new Error('no registry in this test');
};
const source = await openSource(parseReference(reference), { store, registry, signal: new AbortController().signal });
const asked: Asked = { opens: [], bytes: 0 };
const from = pause === '0' ? source : farAway(source, Number(pause), asked);
const image = await importImage(store, from, { names: ['localhost/imported:1'] });
process.stdout.write(JSON.stringify({ digest: image.digest, ...asked }));
