// SPDX-License-Identifier: MIT
// A process that imports an image and may be killed meanwhile: STORE REFERENCE PAUSE_MS. It prints what it was asked for.
import { importImage } from '../../src/main/images/import';
import { parseReference } from '../../src/main/images/references';
import { openSource } from '../../src/main/images/sources/open-source';
import { Store } from '../../src/main/images/store/store';
import { farAway, type Asked } from './far-source';

const [folder = '', reference = '', pause = '0'] = process.argv.slice(2);
const store = Store.open(folder);
const registry = (): never => {
  throw new Error('no registry in this test');
};
const source = await openSource(parseReference(reference), { store, registry, signal: new AbortController().signal });
const asked: Asked = { opens: [], bytes: 0 };
const from = pause === '0' ? source : farAway(source, Number(pause), asked);
const image = await importImage(store, from, { names: ['localhost/imported:1'] });
process.stdout.write(JSON.stringify({ digest: image.digest, ...asked }));
