// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { bytesOf, display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { RECORD_TYPE, type SplitRecord } from './record';

/** A line holds one segment: an extended header at most, or a piece of the end. */
const MOST_LINE_BYTES = 64 << 20;

const HINT = 'Import the image again: Lamina writes the record anew.';

/**
 * Reads a tar-split record: Lamina's, or one that Docker, podman, buildah or CRI-O wrote.
 * @throws Failure that names the file
 */
export async function* readRecord(path: ByteString, signal: AbortSignal): AsyncGenerator<SplitRecord> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  const fed = pipeline(createReadStream(Buffer.from(path, 'latin1')), gunzip, { signal });
  // Its error comes through the loop below too.
  fed.catch(() => undefined);
  let rest: Buffer[] = [];
  let restBytes = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      let at = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
        const line = restBytes === 0 ? chunk.subarray(at, end) : Buffer.concat([...rest, chunk.subarray(at, end)]);
        rest = [];
        restBytes = 0;
        at = end + 1;
        if (line.length > 0) yield parseLine(line, path);
      }
      if (at < chunk.length) {
        rest.push(chunk.subarray(at));
        restBytes += chunk.length - at;
        if (restBytes > MOST_LINE_BYTES) throw badRecord(path, 'a line has no end');
      }
    }
    if (restBytes > 0) yield parseLine(Buffer.concat(rest), path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    signal.throwIfAborted();
    throw badRecord(path, (error as Error).message);
  } finally {
    gunzip.destroy();
    await fed.catch(() => undefined);
  }
}

const NEWLINE = 0x0a;

const badRecord = (path: ByteString, reason: string): Failure =>
  new Failure('bad-tar-split', `${display(path)} cannot be read as a tar-split record: ${reason}.`, HINT);

function parseLine(line: Buffer, path: ByteString): SplitRecord {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    throw badRecord(path, 'a line of it is no JSON');
  }
  if (typeof value !== 'object' || value === null) throw badRecord(path, 'a line of it is no object');
  const { type, name, name_raw: raw, size, payload } = value as Record<string, unknown>;
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'base64') : NOTHING;
  if (type === RECORD_TYPE.segment) return { kind: 'segment', bytes };
  if (type !== RECORD_TYPE.file) throw badRecord(path, `it has an entry of type ${String(type)}`);
  const length = size === undefined ? 0 : size;
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
    throw badRecord(path, 'a size in it is no number');
  const spelled = typeof raw === 'string' ? Buffer.from(raw, 'base64').toString('latin1') : '';
  return {
    kind: 'file',
    name: spelled !== '' ? spelled : typeof name === 'string' ? bytesOf(name) : '',
    size: length,
    crc: bytes,
  };
}

const NOTHING = Buffer.alloc(0);
