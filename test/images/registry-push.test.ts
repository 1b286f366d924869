// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Failure } from '@shared/failure';
import { parseImageName } from '../../src/main/images/image-name';
import { RegistryDestination, type PushSettings } from '../../src/main/images/registry/registry-destination';
import { startFaultProxy, type FaultProxy, type Seen } from '../support/fault-proxy';
import { OciLayout, type LayoutBlob } from '../support/oci-layout';
import { pieces, pushAll } from '../support/pull';
import { run, startRegistry, type Registry } from '../support/registry';
import { makeScratch, removeScratch } from '../support/scratch';

let scratch: string;
let registry: Registry;
let proxy: FaultProxy;
let layout: OciLayout;
let single: LayoutBlob;
let index: LayoutBlob;
let layer: LayoutBlob;

beforeAll(async () => {
  scratch = makeScratch('disk');
  layout = new OciLayout(join(scratch, 'layout'));
  single = layout.image('amd64', [3_000_000, 0]);
  index = layout.index([single, layout.image('arm64', [200_000])]);
  layer = (JSON.parse(bytesOf(single).toString()) as { layers: LayoutBlob[] }).layers[0]!;
  registry = await startRegistry({ folder: join(scratch, 'registry') });
});

afterAll(async () => {
  await registry.stop();
  removeScratch(scratch);
});

beforeEach(async () => {
  proxy = await startFaultProxy(registry.port);
});

afterEach(() => proxy.stop());

function bytesOf({ digest }: LayoutBlob): Buffer {
  return readFileSync(join(layout.folder, 'blobs', digest.replace(':', '/')));
}

let named = 0;
/** A repository that nothing is in, by way of the proxy. */
function destination(more: PushSettings = {}, name = `push/number-${(named += 1)}:1`): [RegistryDestination, string] {
  const environment = { HOME: scratch, PATH: process.env['PATH'] };
  const settings = { environment, etc: join(scratch, 'etc'), retry: { firstPause: 5 }, insecure: true, ...more };
  return [new RegistryDestination(parseImageName(`${proxy.host}/${name}`), settings), `${registry.host}/${name}`];
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000);

function put(
  to: RegistryDestination,
  blob: LayoutBlob,
  bytes = bytesOf(blob),
  onBytes = (_: number): void => {},
): Promise<void> {
  return to.put(blob, async (offset) => pieces(bytes.subarray(offset)), onBytes, signal());
}

/** The digests of an image as skopeo reads it back from the registry, blob after blob. */
async function readBack(name: string): Promise<string[]> {
  const folder = join(scratch, 'back', name.replace(/\W/g, '-'));
  await run('mkdir', '-p', folder);
  await run(
    'skopeo',
    'copy',
    '-q',
    '--all',
    '--preserve-digests',
    '--src-tls-verify=false',
    `docker://${name}`,
    `oci:${folder}:x`,
  );
  return readdirSync(join(folder, 'blobs/sha256')).sort();
}

function digestsBelow(root: LayoutBlob): string[] {
  const { manifests, config, layers } = JSON.parse(bytesOf(root).toString()) as Record<string, LayoutBlob[]> & {
    config: LayoutBlob;
  };
  const below = manifests ? manifests.flatMap(digestsBelow) : [config, ...layers!].map(({ digest }) => digest.slice(7));
  return [...new Set([root.digest.slice(7), ...below])].sort();
}

async function failure(action: Promise<unknown>): Promise<Failure> {
  const caught = await action.then(
    () => null,
    (error: unknown) => error as Failure,
  );
  expect(caught).toMatchObject({ name: 'Failure' });
  return caught!;
}

const isUpload = ({ method }: Seen): boolean => method === 'PATCH';

test('an image and a multi-platform index go out, and skopeo reads them back digest by digest', async () => {
  for (const root of [single, index]) {
    const [to, name] = destination();
    const sent = await pushAll(layout.folder, root, to, signal());
    expect(sent.length).toBe(digestsBelow(root).length - 1);
    expect(await readBack(name)).toEqual(digestsBelow(root));
    const raw = await run('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`);
    expect(raw).toBe(bytesOf(root).toString());
    // A second time nothing is sent.
    expect(await pushAll(layout.folder, root, to, signal())).toEqual([]);
    await to.close();
  }
});

test('the manifest goes by digest too where the name has one, and only that digest', async () => {
  const [to, name] = destination({}, `push/by-digest:tag@${single.digest}`);
  await pushAll(layout.folder, single, to, signal());
  for (const each of [name.replace(/@.*/, ''), name.replace(':tag', '')]) {
    expect(await readBack(each)).toEqual(digestsBelow(single));
  }
  await to.close();
  const [other] = destination({}, `push/by-digest@sha256:${'1'.repeat(64)}`);
  expect((await failure(other.finish(single, bytesOf(single), signal()))).message).toContain(single.digest);
  await other.close();
});

test('a blob of another repository is mounted, and not sent', async () => {
  const [first] = destination({}, 'push/origin:1');
  await pushAll(layout.folder, single, first, signal());
  await first.close();
  const [to, name] = destination({ mountFrom: ['push/nowhere', 'push/origin'] });
  proxy.seen.length = 0;
  expect(await pushAll(layout.folder, single, to, signal())).not.toContain(layer.digest);
  expect(proxy.seen.some(({ url }) => url.includes('from=push%2Forigin'))).toBe(true);
  expect(await readBack(name)).toEqual(digestsBelow(single));
  await to.close();
  // Where it cannot be mounted the upload that was opened instead is used.
  const fresh = layout.blob('application/octet-stream', Buffer.from(`fresh ${Date.now()}`));
  const [next] = destination({ mountFrom: ['push/origin'] });
  expect(await next.has(fresh, signal())).toBe(false);
  proxy.seen.length = 0;
  await put(next, fresh);
  expect(proxy.seen.map(({ method }) => method)).toEqual(['PATCH', 'PUT']);
  expect(await next.has(fresh, signal())).toBe(true);
  await next.close();
});

test('an upload that breaks goes on at the last part that arrived', async () => {
  const [to, name] = destination({ uploadChunk: 500_000 });
  let parts = 0;
  // The fourth part is lost on its way: of it the registry has nothing.
  proxy.fault = (seen) => (isUpload(seen) && (parts += 1) === 4 ? { swallow: true } : undefined);
  let counted = 0;
  await put(to, layer, bytesOf(layer), (bytes) => (counted += bytes));
  expect(counted).toBe(layer.size);
  const ranges = proxy.seen.filter(isUpload).map(({ headers }) => headers['content-range']);
  expect(ranges.slice(0, 5)).toEqual([
    '0-499999',
    '500000-999999',
    '1000000-1499999',
    '1500000-1999999',
    '1500000-1999999',
  ]);
  proxy.fault = () => undefined;
  await pushAll(layout.folder, single, to, signal());
  expect(await readBack(name)).toEqual(digestsBelow(single));
  await to.close();
});

test('uploads cut at random places, and answers that are lost, end with the right blob', async () => {
  for (let round = 0; round < 4; round += 1) {
    const [to, name] = destination({ uploadChunk: round % 2 === 0 ? null : 700_000 });
    let faults = 0;
    proxy.fault = ({ method }) => {
      if (faults >= 3 || !['PATCH', 'PUT', 'POST'].includes(method) || Math.random() < 0.4) return undefined;
      faults += 1;
      return Math.random() < 0.5 ? { loseAnswer: true } : { cutRequest: Math.floor(Math.random() * 600_000) };
    };
    await pushAll(layout.folder, single, to, signal());
    expect(await readBack(name)).toEqual(digestsBelow(single));
    await to.close();
  }
});

test('what cannot get through ends in a failure that names the blob, and the registry forgets it', async () => {
  const [to, name] = destination({ retry: { tries: 3, firstPause: 5 } });
  proxy.fault = (seen) => (isUpload(seen) ? { swallow: true } : undefined);
  expect(await failure(put(to, layer))).toMatchObject({ code: 'registry-broken' });
  expect(proxy.seen.filter(isUpload).length).toBe(3);
  expect(proxy.seen.at(-1)?.method).toBe('DELETE');
  const uploads = join(
    scratch,
    'registry/storage/docker/registry/v2/repositories',
    name.replace(/^[^/]*\/|:1$/g, ''),
    '_uploads',
  );
  // Debian's registry leaves its hashes of an upload behind, but none of its bytes.
  expect(readdirSync(uploads, { recursive: true }).filter((file) => String(file).endsWith('data'))).toEqual([]);
  await to.close();
});

test('a request that is too large for what stands before the registry is sent in parts', async () => {
  const [to, name] = destination();
  proxy.fault = (seen) =>
    isUpload(seen) && Number(seen.headers['content-length']) > 2_000_000 && !seen.headers['content-range']
      ? { status: 413, body: 'too large' }
      : undefined;
  const large = layout.image('riscv64', [17_000_000]);
  layout.name(large, 'large');
  await pushAll(layout.folder, large, to, signal());
  expect(proxy.seen.filter(isUpload).some(({ headers }) => headers['content-range']?.startsWith('0-16777215'))).toBe(
    true,
  );
  expect(await readBack(name)).toEqual(digestsBelow(large));
  await to.close();
});

test('a blob that is not what its descriptor says is not pushed, and both values are named', async () => {
  const [to] = destination();
  const bytes = bytesOf(layer);
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(100) ^ 1, 100);
  const wrong = await failure(put(to, layer, changed));
  expect(wrong.code).toBe('wrong-digest');
  expect(wrong.message).toMatch(new RegExp(`${layer.digest} .*has the digest sha256:[0-9a-f]{64}`));
  const short = await failure(put(to, layer, bytes.subarray(0, -1)));
  expect(short).toMatchObject({ code: 'wrong-size' });
  expect(short.message).toContain(`only ${layer.size - 1}`);
  expect((await failure(put(to, layer, Buffer.concat([bytes, bytes])))).message).toContain(`more than ${layer.size}`);
  expect(proxy.seen.some(({ method }) => method === 'PUT')).toBe(false);
  expect(await to.has(layer, signal())).toBe(false);
  await to.close();
});

test('an upload without a byte, and one that is cancelled', async () => {
  const [to] = destination();
  const empty = layout.blob('application/octet-stream', Buffer.alloc(0));
  await put(to, empty);
  expect(await to.has(empty, signal())).toBe(true);
  const cancel = new AbortController();
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (let sent = 0; ; sent += 1) {
      if (sent === 10) cancel.abort(new Error('enough'));
      yield Buffer.alloc(10_000);
    }
  };
  const started = Date.now();
  const blob = { ...layer, size: 1e9 };
  await expect(
    to.put(
      blob,
      async () => endless(),
      () => undefined,
      cancel.signal,
    ),
  ).rejects.toThrow('enough');
  expect(Date.now() - started).toBeLessThan(3000);
  await to.close();
});

test('a registry that refuses says why: read-only, and an address without TLS', async () => {
  const [to] = destination();
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] });
  proxy.fault = ({ method }) => (method === 'POST' ? { status: 403, body } : undefined);
  const denied = await failure(put(to, layer));
  expect(denied.code).toBe('registry-denied');
  expect(denied.message).toContain('DENIED: requested access');
  proxy.fault = ({ method }) => (method === 'POST' ? { status: 202, answer: {} } : undefined);
  expect((await failure(put(to, layer))).message).toContain('does not say where');
  await to.close();
});

test('the registry learns nothing of ours at an address that it gives elsewhere', async () => {
  const seen: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization);
    request.resume().on('end', () => response.writeHead(202, { location: request.url ?? '' }).end());
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const [to] = destination({ credentials: { username: 'me', password: 'word' }, retry: { tries: 2, firstPause: 5 } });
  proxy.fault = (asked) => {
    if (!asked.headers.authorization) return { status: 401, answer: { 'www-authenticate': 'Basic realm="x"' } };
    return asked.method === 'POST' ? { status: 202, answer: { location: `http://127.0.0.1:${port}/up` } } : undefined;
  };
  await failure(put(to, layer));
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every((authorization) => authorization === undefined)).toBe(true);
  await to.close();
  other.closeAllConnections();
  other.close();
});
