// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Failure } from '@shared/failure';
import { parseImageName } from '../../src/main/images/image-name';
import { listTags } from '../../src/main/images/registry/list-tags';
import { RegistrySource } from '../../src/main/images/registry/registry-source';
import type { RegistrySettings } from '../../src/main/images/registry/settings';
import { OciLayout, type LayoutBlob } from '../support/oci-layout';
import { pullAll } from '../support/pull';
import { freePort, run, startRegistry, type Registry } from '../support/registry';
import { makeScratch, removeScratch } from '../support/scratch';

let scratch: string;
let registry: Registry;
let mirror: Registry;
let index: LayoutBlob;
let single: LayoutBlob;
let layout: OciLayout;

beforeAll(async () => {
  scratch = makeScratch('disk');
  layout = new OciLayout(join(scratch, 'layout'));
  single = layout.image('amd64', [2_000_000, 10, 0]);
  index = layout.index([single, layout.image('arm64', [300_000])]);
  layout.name(single, 'single');
  layout.name(index, 'index');
  [registry, mirror] = await Promise.all([
    startRegistry({ folder: join(scratch, 'registry') }),
    startRegistry({ folder: join(scratch, 'mirror') }),
  ]);
  await copy('index', `${registry.host}/team/app:all`);
  await copy('single', `${registry.host}/team/app:one`);
  await copy('single', `${mirror.host}/cache/team/app:one`);
});

afterAll(async () => {
  await registry.stop();
  await mirror.stop();
  removeScratch(scratch);
});

async function copy(tag: string, to: string): Promise<void> {
  await run(
    'skopeo',
    'copy',
    '-q',
    '--all',
    '--dest-tls-verify=false',
    `oci:${layout.folder}:${tag}`,
    `docker://${to}`,
  );
}

/** A registries.conf of the test's own, and a home without any credentials. */
function settings(conf = '', more: Partial<RegistrySettings> = {}): RegistrySettings {
  mkdirSync(join(scratch, 'home'), { recursive: true });
  const file = join(scratch, 'home/registries.conf');
  writeFileSync(file, conf);
  const environment = { HOME: join(scratch, 'home'), PATH: process.env['PATH'], CONTAINERS_REGISTRIES_CONF: file };
  return { environment, etc: join(scratch, 'etc'), retry: { firstPause: 5 }, ...more };
}

const insecure = (host: string): string => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`;
const signal = (): AbortSignal => AbortSignal.timeout(20_000);

async function refusal(source: RegistrySource): Promise<Failure> {
  try {
    await source.root(signal());
  } catch (error) {
    return error as Failure;
  } finally {
    await source.close();
  }
  throw new Error('it was not refused');
}

test('an image and a multi-platform index come whole, by tag and by digest, as skopeo sees them', async () => {
  for (const [name, blobs, root] of [
    ['team/app:one', 4, single],
    [`team/app@${single.digest}`, 4, single],
    ['team/app:all', 6, index],
  ] as const) {
    const source = new RegistrySource(parseImageName(`${registry.host}/${name}`), settings(insecure(registry.host)));
    expect(await pullAll(source, signal())).toBe(blobs);
    const { descriptor } = await source.root(signal());
    expect(descriptor).toEqual({ mediaType: root.mediaType, digest: root.digest, size: root.size });
    const raw = await run('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/${name}`);
    expect((await source.root(signal())).bytes.toString()).toBe(raw);
    expect(source.references).toEqual([`${registry.host}/${name}`]);
    await source.close();
  }
});

test('a blob comes from any offset on', async () => {
  const source = new RegistrySource(parseImageName(`${registry.host}/team/app:one`), settings(insecure(registry.host)));
  const { bytes } = await source.root(signal());
  const [layer] = (JSON.parse(bytes.toString()) as { layers: LayoutBlob[] }).layers as [LayoutBlob];
  const whole = readFileSync(join(layout.folder, 'blobs', layer.digest.replace(':', '/')));
  for (const offset of [0, 1, 65_536, layer.size - 1, layer.size]) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await source.open(layer, offset, signal())) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(whole.subarray(offset))).toBe(true);
  }
  await source.close();
});

test('plain http needs leave, and the failure says how it is given', async () => {
  const { message, hint, code } = await refusal(
    new RegistrySource(parseImageName(`${registry.host}/team/app:one`), settings()),
  );
  expect(code).toBe('registry-plain-http');
  expect(message).toContain(`${registry.host} does not speak TLS`);
  expect(hint).toContain(`location = "${registry.host}" and insecure = true`);
  const source = new RegistrySource(parseImageName(`${registry.host}/team/app:one`), settings('', { insecure: true }));
  expect(await pullAll(source, signal())).toBe(4);
  await source.close();
});

test('what is not there is told with what is', async () => {
  const conf = insecure(registry.host);
  const tag = await refusal(new RegistrySource(parseImageName(`${registry.host}/team/app:two`), settings(conf)));
  expect(tag).toMatchObject({ code: 'registry-not-found', hint: 'It has these tags: all, one' });
  expect(tag.message).toContain('MANIFEST_UNKNOWN');
  const name = await refusal(new RegistrySource(parseImageName(`${registry.host}/nobody/app:one`), settings(conf)));
  expect(name.message).toContain(`${registry.host}/nobody/app:one`);
  expect(name.code).toBe('registry-not-found');
  const port = await freePort();
  const nobody = await refusal(new RegistrySource(parseImageName(`127.0.0.1:${port}/a:b`), settings()));
  expect(nobody).toMatchObject({ code: 'registry-unreachable' });
  expect(nobody.message).toContain('ECONNREFUSED');
});

test('tags come page by page', async () => {
  const manifest = readFileSync(join(layout.folder, 'blobs', single.digest.replace(':', '/')));
  const names = Array.from({ length: 23 }, (_, at) => `v${String(at).padStart(2, '0')}`);
  for (const name of names) {
    const body = { method: 'PUT', body: manifest, headers: { 'content-type': single.mediaType } };
    expect((await fetch(`http://${registry.host}/v2/team/app/manifests/${name}`, body)).status).toBe(201);
  }
  const all = ['all', 'one', ...names];
  const pages = async (host: string): Promise<string[][]> => {
    const found: string[][] = [];
    for await (const page of listTags(parseImageName(`${host}/team/app`), settings(insecure(host)), signal())) {
      found.push([...page]);
    }
    return found;
  };
  expect((await pages(registry.host)).flat().sort()).toEqual(all);
  // Debian's registry gives them all at once; others give pages as the distribution-spec has them.
  const paging = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://paging');
    const last = url.searchParams.get('last') ?? '';
    const page = all.filter((tag) => tag > last).slice(0, 5);
    const next = `</v2/team/app/tags/list?n=5&last=${page.at(-1)}>; rel="next"`;
    if (url.pathname.endsWith('/list') && page.at(-1) !== all.at(-1)) response.setHeader('link', next);
    response.end(JSON.stringify({ name: 'team/app', tags: page }));
  });
  await new Promise<void>((resolve) => paging.listen(0, '127.0.0.1', resolve));
  const { port } = paging.address() as { port: number };
  const paged = await pages(`127.0.0.1:${port}`);
  expect(paged.flat()).toEqual(all);
  expect(paged.map((page) => page.length)).toEqual([5, 5, 5, 5, 5]);
  paging.closeAllConnections();
  paging.close();
});

test('mirrors come first, then the registry; which is used for what, registries.conf says', async () => {
  const conf = (pull: string): string =>
    `[[registry]]\nprefix = "images.example/team"\nlocation = "${registry.host}/team"\ninsecure = true\n` +
    `[[registry.mirror]]\nlocation = "${mirror.host}/cache/team"\ninsecure = true\npull-from-mirror = "${pull}"\n`;
  const pull = async (name: string, way: string): Promise<number> => {
    const source = new RegistrySource(parseImageName(name), settings(conf(way)));
    try {
      expect(source.references).toEqual([name]);
      return await pullAll(source, signal());
    } finally {
      await source.close();
    }
  };
  expect(await pull('images.example/team/app:one', 'all')).toBe(4);
  // The mirror does not have it: the registry does.
  expect(await pull('images.example/team/app:all', 'all')).toBe(6);
  // What only the mirror has.
  await copy('single', `${mirror.host}/cache/team/app:mirrored`);
  expect(await pull('images.example/team/app:mirrored', 'tag-only')).toBe(4);
  await expect(pull('images.example/team/app:mirrored', 'digest-only')).rejects.toThrow('MANIFEST_UNKNOWN');
  await expect(pull('images.example/team/app:nowhere', 'all')).rejects.toThrow(/Of its mirrors: .*MANIFEST_UNKNOWN/);
});

test('a blocked registry is not asked', async () => {
  const conf = settings(`[[registry]]\nlocation = "${registry.host}/team"\nblocked = true\n`);
  expect(() => new RegistrySource(parseImageName(`${registry.host}/team/app:one`), conf)).toThrow(/is blocked/);
});

test('a cancelled pull stops at once with the reason it was given', async () => {
  const source = new RegistrySource(parseImageName(`${registry.host}/team/app:one`), settings(insecure(registry.host)));
  const { bytes } = await source.root(signal());
  const [layer] = (JSON.parse(bytes.toString()) as { layers: LayoutBlob[] }).layers as [LayoutBlob];
  const cancel = new AbortController();
  const reason = new Error('the user has thought better of it');
  const pull = async (): Promise<void> => {
    for await (const _ of await source.open(layer, 0, cancel.signal)) cancel.abort(reason);
  };
  await expect(pull()).rejects.toBe(reason);
  await expect(source.root(cancel.signal)).rejects.toBe(reason);
  await source.close();
});

test('a foreign layer comes from its own address, without credentials, and else from the registry', async () => {
  const blob = layout.blob('application/vnd.oci.image.layer.nondistributable.v1.tar', Buffer.alloc(70_000, 'x'));
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    if (request.url === '/gone') response.writeHead(404).end();
    else response.end(readFileSync(join(layout.folder, 'blobs', blob.digest.replace(':', '/'))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const credentials = { username: 'somebody', password: 'secret' };
  const source = new RegistrySource(
    parseImageName(`${registry.host}/team/app:one`),
    settings(insecure(registry.host), { credentials }),
  );
  const read = async (urls: string[]): Promise<number> => {
    let length = 0;
    for await (const chunk of await source.open({ ...blob, urls }, 0, signal())) length += chunk.length;
    return length;
  };
  expect(await read([`http://127.0.0.1:${port}/gone`, 'ftp://nowhere/x', `http://127.0.0.1:${port}/layer`])).toBe(
    70_000,
  );
  expect(asked).toEqual([undefined, undefined]);
  await expect(read([`http://127.0.0.1:${port}/gone`])).rejects.toThrow('BLOB_UNKNOWN');
  await source.close();
  server.closeAllConnections();
  server.close();
});
