// SPDX-License-Identifier: MIT
import { createReadStream, readFileSync } from 'node:fs';
import { Failure } from '@shared/failure';
import type { Namespace } from '../../src/main/overlay/xattr-names';
import { rebuilt, unpack } from './unpacking';

/*
 * Unpacks a layer as whoever runs it, and says what came of it: `node unpack-program.js BLOB FOLDER NAMES OWNERS`.
 * One line of JSON: whether the tar was rebuilt to the byte, or the message of the failure.
 */
const [blob, folder, names, owners] = process.argv.slice(2) as [string, string, Namespace, 'real' | 'recorded'];
try {
  const unpacked = await unpack(createReadStream(blob), folder, 'layer', { names, owners });
  const isSame = (await rebuilt(unpacked)).equals(readFileSync(blob));
  console.log(JSON.stringify({ isSame }));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
