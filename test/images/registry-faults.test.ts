// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Failure } from '@shared/failure';
import { parseImageName } from '../../src/main/images/image-name';
import { RegistrySource } from '../../src/main/images/registry/registry-source';
import type { RegistrySettings } from '../../src/main/images/registry/settings';
import { startFaultProxy, type FaultProxy, type Seen } from '../support/fault-proxy';
import { OciLayout, type LayoutBlob } from '../support/oci-layout';
import { pullAll, pulledDigest } from '../support/pull';
import { run, startRegistry, type Registry } from '../support/registry';
import { makeScratch, removeScratch } from '../support/scratch';

let scratch: string;
let registry: Registry;
let proxy: FaultProxy;
let layer: LayoutBlob;
let manifest: LayoutBlob;
let layout: OciLayout;
let source: RegistrySource;

beforeAll(async () => {
  scratch = makeScratch('disk');
  layout = new OciLayout(join(scratch, 'layout'));
  manifest = layout.image('amd64', [3_000_000]);
  layout.name(manifest, 'image');
  const [blob] = (JSON.parse(blobBytes(manifest).toString()) as { layers: LayoutBlob[] }).layers;
  layer = blob!;
  registry = await startRegistry({ folder: join(scratch, 'registry') });
  const to = `docker://${registry.host}/team/app:1`;
  await run('skopeo', 'copy', '-q', '--dest-tls-verify=false', `oci:${layout.folder}:image`, to);
});

afterAll(async () => {
  await registry.stop();
  removeScratch(scratch);
});

beforeEach(async () => {
  proxy = await startFaultProxy(registry.port);
  source = sourceWith();
});

afterEach(async () => {
  await source.close();
  proxy.stop();
});

function blobBytes({ digest }: LayoutBlob): Buffer {
  return readFileSync(join(layout.folder, 'blobs', digest.replace(':', '/')));
}

function sourceWith(more: Partial<RegistrySettings> = {}): RegistrySource {
  const environment = { HOME: scratch, PATH: process.env['PATH'] };
  const credentials = { username: 'somebody', password: 'secret' };
  const retry = { firstPause: 5, longestRetryAfter: 3000 };
  const settings = { environment, etc: join(scratch, 'etc'), credentials, retry, insecure: true, ...more };
  return new RegistrySource(parseImageName(`${proxy.host}/team/app:1`), settings);
}

const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const isBlob = ({ url }: Seen): boolean => url.endsWith(layer.digest);
const isManifest = ({ url }: Seen): boolean => url.includes('/manifests/');

async function failure(action: Promise<unknown>): Promise<Failure> {
  const caught = await action.then(
    () => null,
    (error: unknown) => error as Failure,
  );
  expect(caught).toMatchObject({ name: 'Failure' });
  return caught!;
}

test('connections that are cut at random places cost no byte twice', async () => {
  const rounds = 5;
  for (let round = 0; round < rounds; round += 1) {
    let cuts = 0;
    proxy.fault = (seen) =>
      isBlob(seen) && cuts++ < 4 ? { cutAnswer: Math.floor(Math.random() * 900_000) } : undefined;
    expect(await pulledDigest(source, layer, signal())).toBe(layer.digest);
  }
  const starts = proxy.seen.filter(isBlob).map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')?.[0]));
  expect(starts.length).toBe(5 * rounds);
  // Each goes on where the one before it ended.
  expect(starts.filter((start) => start === 0).length).toBeLessThan(2 * rounds);
});

test('a server without ranges is read again from the start, and what was had is left out', async () => {
  let cuts = 0;
  proxy.fault = (seen) => {
    if (!isBlob(seen)) return undefined;
    return cuts++ === 0 ? { cutAnswer: 1_234_567 } : { noRange: true };
  };
  expect(await pulledDigest(source, layer, signal())).toBe(layer.digest);
  expect(cuts).toBe(2);
});

test('a connection that breaks again and again without getting further ends in a failure', async () => {
  proxy.fault = (seen) => (isBlob(seen) ? { cutAnswer: 10 } : undefined);
  const { code, message } = await failure(pulledDigest(source, layer, signal()));
  expect(code).toBe('registry-broken');
  expect(message).toContain(proxy.host);
  expect(proxy.seen.filter(isBlob).length).toBe(6);
});

test('a slow registry is waited for while something comes, and left when nothing does', async () => {
  await source.root(signal());
  proxy.fault = (seen) => (isBlob(seen) ? { trickle: 60_000, every: 30 } : undefined);
  const patient = sourceWith({ idleTimeout: 1000 });
  expect(await pulledDigest(patient, layer, signal())).toBe(layer.digest);
  await patient.close();
  let silences = 0;
  proxy.fault = (seen) => (isBlob(seen) && silences++ === 0 ? { trickle: 60_000, every: 2500 } : undefined);
  const started = Date.now();
  const hasty = sourceWith({ idleTimeout: 1000 });
  expect(await pulledDigest(hasty, layer, signal())).toBe(layer.digest);
  expect(proxy.seen.filter(isBlob).at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
  expect(Date.now() - started).toBeLessThan(6000);
  await hasty.close();
});

test('"later" is obeyed: 503 and 429, with seconds and with a date; too late is told', async () => {
  const answers = [
    { status: 503, answer: {} },
    { status: 429, answer: { 'retry-after': '1' } },
    { status: 502, answer: { 'retry-after': new Date(Date.now() + 1500).toUTCString() } },
  ];
  proxy.fault = (seen) => (isManifest(seen) ? answers.shift() : undefined);
  const started = Date.now();
  expect((await source.root(signal())).descriptor.digest).toBe(manifest.digest);
  expect(Date.now() - started).toBeGreaterThan(1000);
  const body = JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'pull rate \u001b[31mlimit' }] });
  proxy.fault = () => ({ status: 429, answer: { 'retry-after': '3600' }, body });
  const { code, message, hint } = await failure(source.root(signal()));
  expect(code).toBe('registry-too-many-requests');
  expect(message).toContain('TOOMANYREQUESTS: pull rate \\x1b[31mlimit');
  expect(hint).toContain('after 3600 s');
  proxy.fault = () => ({ status: 500 });
  expect(await failure(source.root(signal()))).toMatchObject({ code: 'registry-error' });
});

test('waiting can be cancelled', async () => {
  await source.root(signal());
  proxy.fault = () => ({ status: 429, answer: { 'retry-after': '2' } });
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(new Error('enough')), 100);
  const started = Date.now();
  await expect(source.root(cancel.signal)).rejects.toThrow('enough');
  expect(Date.now() - started).toBeLessThan(1000);
});

test('a manifest that is not what was asked for, or not what the registry claims, is refused with both digests', async () => {
  const spoil = (body: Buffer): Buffer =>
    Buffer.from(body.toString().replace('"schemaVersion":2', '"schemaVersion":3'));
  proxy.fault = (seen) => (isManifest(seen) ? { change: spoil } : undefined);
  const wrong = await failure(source.root(signal()));
  expect(wrong.code).toBe('wrong-digest');
  expect(wrong.message).toMatch(new RegExp(`answered with sha256:[0-9a-f]{64}, but ${manifest.digest} was claimed`));
  const other = `sha256:${'0'.repeat(64)}`;
  proxy.fault = (seen) => (isManifest(seen) ? { headers: { 'docker-content-digest': other } } : undefined);
  expect((await failure(source.root(signal()))).message).toContain(`but ${other} was claimed`);
  proxy.fault = (seen) => (isManifest(seen) ? { change: spoil } : undefined);
  expect((await failure(source.read(manifest, signal()))).message).toContain(`${manifest.digest} was asked for`);
});

test('wrong bytes of a blob reach whoever checks it, too many never', async () => {
  await source.root(signal());
  proxy.fault = (seen) =>
    isBlob(seen) ? { change: (body) => (body.writeUInt8(body.readUInt8(5) ^ 1, 5), body) } : undefined;
  expect(await pulledDigest(source, layer, signal())).not.toBe(layer.digest);
  proxy.fault = () => undefined;
  const small = { ...layer, size: layer.size - 1 };
  expect(await failure(pulledDigest(source, small, signal()))).toMatchObject({ code: 'wrong-size' });
  // By a range the registry says itself how long it is.
  const large = { ...layer, size: layer.size + 7 };
  const rest = async (): Promise<void> => {
    for await (const _ of await source.open(large, 100, signal()));
  };
  const { code, message } = await failure(rest());
  expect(code).toBe('wrong-size');
  expect(message).toContain(`${layer.size} bytes`);
  expect(message).toContain(`${large.size}`);
});

test("Docker's schema 1 is refused with its reason, and a login page as what it is", async () => {
  const body = JSON.stringify({ schemaVersion: 1, name: 'team/app', fsLayers: [] });
  const type = { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' };
  proxy.fault = (seen) => (isManifest(seen) ? { status: 200, answer: type, body } : undefined);
  expect(await failure(source.root(signal()))).toMatchObject({ code: 'registry-schema1' });
  proxy.fault = (seen) =>
    isManifest(seen) ? { status: 200, answer: { 'content-type': 'text/html' }, body: '<html>' } : undefined;
  expect((await failure(source.root(signal()))).message).toContain('no manifest (text/html)');
});

test('credentials do not follow a blob to another host, and a resumed one asks the registry anew', async () => {
  const seen: IncomingMessage[] = [];
  const storage = createServer((request, response) => {
    seen.push(request);
    const bytes = blobBytes(layer);
    const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    const partial = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, { ...(from > 0 ? partial : {}), 'content-length': bytes.length - from });
    if (seen.length === 1) response.write(bytes.subarray(0, 500_000), () => request.socket.destroy());
    else response.end(bytes.subarray(from));
  });
  await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
  const { port } = storage.address() as { port: number };
  const challenge = { 'www-authenticate': 'Basic realm="test"' };
  proxy.fault = (asked) => {
    if (!asked.headers.authorization) return { status: 401, answer: challenge };
    return isBlob(asked) ? { status: 307, answer: { location: `http://127.0.0.1:${port}/x?signature=1` } } : undefined;
  };
  expect(await pulledDigest(source, layer, signal())).toBe(layer.digest);
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  expect(seen[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  expect(proxy.seen.filter(isBlob).every(({ headers }) => headers.authorization !== undefined)).toBe(true);
  storage.closeAllConnections();
  storage.close();
});

test('redirects that lead nowhere good end', async () => {
  for (const [location, reason] of [
    ['/v2/team/app/manifests/1', 'more than 10 times'],
    ['ftp://127.0.0.1/x', 'not http'],
    ['http://user:word@127.0.0.1/x', 'password'],
    ['http://[', 'no address'],
  ] as const) {
    proxy.fault = (seen) => (isManifest(seen) ? { status: 302, answer: { location } } : undefined);
    const { code, message } = await failure(source.root(signal()));
    expect(code).toBe('registry-answer');
    expect(message).toContain(reason);
    expect(message).not.toContain('word@');
  }
});

test('a registry that restarts in the middle is waited for', async () => {
  await source.root(signal());
  let cut = false;
  proxy.fault = (seen) => {
    if (!isBlob(seen) || cut) return undefined;
    cut = true;
    void registry.stop().then(async () => {
      registry = await startRegistry({ folder: join(scratch, 'registry'), port: registry.port });
    });
    return { cutAnswer: 1_000_000 };
  };
  await source.close();
  source = sourceWith({ retry: { firstPause: 300 } });
  expect(await pulledDigest(source, layer, signal())).toBe(layer.digest);
  expect(await pullAll(source, signal())).toBe(2);
});
