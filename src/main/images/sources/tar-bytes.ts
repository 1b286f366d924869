// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { readRecord } from '../tar-split/read-record';

/** Bytes of the tar that a tar-split record describes, without reading the files. A sparse file makes it an estimate. */
export async function tarBytesOf(tarSplit: ByteString, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const record of readRecord(tarSplit, signal))
    bytes += record.kind === 'segment' ? record.bytes.length : record.size;
  return bytes;
}
