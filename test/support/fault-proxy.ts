// SPDX-License-Identifier: MIT
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with one request on its way to the registry. */
export type Fault =
  /** Bytes of the answer's body after which the connection is cut. */
  | { readonly cutAnswer: number }
  /** Bytes of the request's body that reach the registry before the connection is cut. */
  | { readonly cutRequest: number }
  /** The whole request is swallowed, and the connection cut. */
  | { readonly swallow: true }
  /** The registry does it, and its answer is lost. */
  | { readonly loseAnswer: true }
  /** Pieces of so many bytes, with milliseconds between. */
  | { readonly trickle: number; readonly every: number }
  | { readonly change: (body: Buffer) => Buffer }
  | { readonly headers: Record<string, string> }
  /** As a registry that knows no ranges. */
  | { readonly noRange: true }
  | { readonly status: number; readonly answer?: Record<string, string>; readonly body?: string };

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  readonly seen: Seen[];
  /** Decides over each request; none by default. */
  fault: (seen: Seen) => Fault | undefined;
  stop(): void;
}

/** An HTTP server on loopback that hands requests on to a registry, as well as its faults let it. */
export async function startFaultProxy(registryPort: number): Promise<FaultProxy> {
  const proxy: FaultProxy = {
    host: '',
    port: 0,
    seen: [],
    fault: () => undefined,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer((request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    proxy.seen.push(seen);
    void handle(registryPort, request, response, proxy.fault(seen)).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(proxy, { host: `127.0.0.1:${port}`, port });
}

async function handle(
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault && 'status' in fault) {
    response.writeHead(fault.status, fault.answer ?? {}).end(fault.body ?? '');
    return;
  }
  if (fault && 'swallow' in fault) {
    for await (const _ of request);
    request.socket.destroy();
    return;
  }
  const headers = { ...request.headers };
  if (fault && 'noRange' in fault) delete headers.range;
  const upstream = ask({ host: '127.0.0.1', port, method: request.method, path: request.url, headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once('response', resolve).once('error', reject);
  });
  answered.catch(() => undefined);
  let left = fault && 'cutRequest' in fault ? fault.cutRequest : Infinity;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    await new Promise((resolve) => upstream.write(chunk.subarray(0, left), resolve));
    left -= chunk.length;
    if (left > 0) continue;
    upstream.destroy();
    request.socket.destroy();
    return;
  }
  upstream.end();
  const answer = await answered;
  if (fault && 'loseAnswer' in fault) {
    answer.resume();
    request.socket.destroy();
    return;
  }
  await give(answer, request, response, fault);
}

async function give(
  answer: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const changed = fault && 'headers' in fault ? fault.headers : {};
  response.writeHead(answer.statusCode ?? 500, { ...answer.headers, ...changed });
  response.flushHeaders();
  if (fault && 'change' in fault) {
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    response.end(fault.change(Buffer.concat(chunks)));
    return;
  }
  let left = fault && 'cutAnswer' in fault ? fault.cutAnswer : Infinity;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (fault && 'trickle' in fault) {
      for (let at = 0; at < chunk.length; at += fault.trickle) {
        response.write(chunk.subarray(at, at + fault.trickle));
        await sleep(fault.every);
        if (response.destroyed) return;
      }
      continue;
    }
    if (chunk.length > left) {
      await new Promise((resolve) => response.write(chunk.subarray(0, left), resolve));
      request.socket.destroy();
      answer.destroy();
      return;
    }
    left -= chunk.length;
    if (!response.write(chunk)) await drained(response);
    if (response.destroyed) return;
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
