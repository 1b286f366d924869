// SPDX-License-Identifier: MIT
import type { Descriptor } from '../source';
import { RegistryRefusal } from './answer-failure';
import { NetworkFault } from './network-fault';
import { StaleToken, type RegistryClient } from './registry-client';
import { isPassing, pause, pauseBefore } from './retry';
import type { UploadBody } from './upload-body';
import { UploadRequests, type UploadSession } from './upload-session';

/** Bytes of a request once one for all has failed: a break then costs no more than these. */
const CHUNK = 16 << 20;

/**
 * Sends a blob: all of it in one request, as every registry takes it. When that breaks it goes on, in parts, where the
 * registry says that it is; where the registry does not know any more, from the beginning.
 * @param session one that was opened already, by a mount that was not to be
 * @param chunk   bytes of a request from the beginning on; null for one request
 * @throws Failure that names the blob, when the registry refuses it, or the connection breaks again and again
 */
export async function uploadBlob(
  client: RegistryClient,
  descriptor: Descriptor,
  body: UploadBody,
  session: UploadSession | null,
  chunk: number | null,
  signal: AbortSignal,
): Promise<void> {
  const requests = new UploadRequests(client, descriptor.digest, signal);
  const progress: Progress = { at: session, furthest: 0, failed: 0 };
  let most = chunk;
  for (;;) {
    try {
      return await send(requests, descriptor, body, progress, most);
    } catch (error) {
      progress.failed += 1;
      const asked = error instanceof RegistryRefusal ? (error.wait ?? 0) : 0;
      const late = asked > client.retry.longestRetryAfter;
      if (signal.aborted || late || !mayGoOn(error, most) || progress.failed >= client.retry.tries) {
        await requests.cancel(progress.at);
        throw asFailure(error);
      }
      most ??= CHUNK;
      const wait = Math.max(asked, pauseBefore(progress.failed + 1, client.retry));
      if (!(error instanceof StaleToken)) await pause(wait, signal);
      // It may have been the answer that was lost, not the blob.
      if (await requests.exists()) return;
      progress.at = progress.at && (await resumable(requests, progress.at, body));
    }
  }
}

interface Progress {
  at: UploadSession | null;
  /** Bytes that the registry has had at most. */
  furthest: number;
  /** Times that it broke since it last got further. */
  failed: number;
}

async function send(
  requests: UploadRequests,
  { size }: Descriptor,
  body: UploadBody,
  progress: Progress,
  most: number | null,
): Promise<void> {
  let at = (progress.at ??= await requests.start());
  while (at.offset < size) {
    const end = most === null ? size : Math.min(size, at.offset + most);
    const ranged = end < size || at.offset > 0;
    progress.at = at = await requests.append(at, body.bytes(at.offset, end), end, ranged);
    if (at.offset <= progress.furthest) continue;
    progress.furthest = at.offset;
    progress.failed = 0;
  }
  body.check();
  await requests.complete(at);
}

/** Where the registry says that it is; null, and that upload given up, where it cannot tell or cannot be right. */
async function resumable(requests: UploadRequests, at: UploadSession, body: UploadBody): Promise<UploadSession | null> {
  const status = await requests.status(at);
  if (status && status.offset <= body.furthest) return status;
  await requests.cancel(at);
  return null;
}

function mayGoOn(error: unknown, most: number | null): boolean {
  if (error instanceof StaleToken) return true;
  if (error instanceof NetworkFault) return error.kind === 'broken' || error.kind === 'unreachable';
  if (!(error instanceof RegistryRefusal)) return false;
  if (isPassing(error.status)) return true;
  // A limit for one request, a wrong place, an upload that is forgotten: smaller parts, another look, a new beginning.
  return (error.status === 413 && most === null) || error.status === 416 || error.word.startsWith('BLOB_UPLOAD_');
}

function asFailure(error: unknown): unknown {
  return error instanceof NetworkFault || error instanceof StaleToken ? error.failure : error;
}
