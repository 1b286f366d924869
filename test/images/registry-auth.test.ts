// SPDX-License-Identifier: MIT
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Failure } from '@shared/failure';
import { parseImageName } from '../../src/main/images/image-name';
import { RegistrySource } from '../../src/main/images/registry/registry-source';
import type { RegistrySettings } from '../../src/main/images/registry/settings';
import { Authority, type Certificate } from '../support/authority';
import { startFaultProxy, type Fault } from '../support/fault-proxy';
import { OciLayout } from '../support/oci-layout';
import { pullAll } from '../support/pull';
import { run, startRegistry, type Registry } from '../support/registry';
import { makeScratch, removeScratch } from '../support/scratch';
import { startTokenServer, type TokenServer } from '../support/token-server';

const USER = 'tester';
const PASSWORD = 'pass word:1';
// bcrypt of the password, as htpasswd -B writes it.
const HTPASSWD = `${USER}:$2b$04$oZi.6VyY/2fTg3Y0neA/Ru8X5O3ISHxdGaANIsxkk7Dx7FR0qQuwa\n`;
const ENCODED = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');

let scratch: string;
let home: string;
let etc: string;
let authority: Authority;
let guarded: Registry;
let clients: Registry;
let tokens: TokenServer;
let bearer: Registry;
let shown: Certificate;

beforeAll(async () => {
  scratch = makeScratch('disk');
  home = join(scratch, 'home');
  etc = join(scratch, 'etc');
  authority = await Authority.make(join(scratch, 'authority'));
  const tls = await authority.sign('server', 'IP:127.0.0.1');
  shown = await authority.sign('client', 'DNS:client');
  tokens = await startTokenServer(await authority.sign('tokens', 'DNS:tokens'), 'test-issuer', (request) =>
    request.method === 'POST'
      ? request.parameters.get('refresh_token') === 'identity' &&
        request.parameters.get('grant_type') === 'refresh_token'
      : request.authorization === undefined || request.authorization === `Basic ${ENCODED}`,
  );
  const token = { realm: tokens.realm, service: 'test', issuer: 'test-issuer', bundle: authority.cert };
  [guarded, clients, bearer] = await Promise.all([
    startRegistry({ folder: join(scratch, 'guarded'), tls, htpasswd: HTPASSWD }),
    startRegistry({ folder: join(scratch, 'clients'), tls: { ...tls, clientCa: authority.cert } }),
    startRegistry({ folder: join(scratch, 'bearer'), token }),
  ]);
  const layout = new OciLayout(join(scratch, 'layout'));
  layout.name(layout.image('amd64', [500_000, 10]), 'image');
  const copy = (host: string, ...more: string[]): Promise<string> =>
    run(
      'skopeo',
      'copy',
      '-q',
      '--dest-tls-verify=false',
      ...more,
      `oci:${layout.folder}:image`,
      `docker://${host}/team/app:1`,
    );
  await copy(guarded.host, '--dest-creds', `${USER}:${PASSWORD}`);
  await copy(bearer.host, '--dest-creds', `${USER}:${PASSWORD}`);
  mkdirSync(join(scratch, 'certs'));
  copyFileSync(authority.cert, join(scratch, 'certs/ca.crt'));
  copyFileSync(shown.cert, join(scratch, 'certs/client.cert'));
  copyFileSync(shown.key, join(scratch, 'certs/client.key'));
  await copy(clients.host, '--dest-cert-dir', join(scratch, 'certs'));
});

beforeEach(() => {
  for (const folder of [home, etc]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(home, '.config/containers'), { recursive: true });
  tokens.requests.length = 0;
});

afterAll(async () => {
  tokens.stop();
  await Promise.all([guarded, clients, bearer].map((registry) => registry.stop()));
  removeScratch(scratch);
});

function settings(more: Partial<RegistrySettings> = {}, environment: Record<string, string> = {}): RegistrySettings {
  const own = { HOME: home, XDG_RUNTIME_DIR: join(home, 'runtime'), PATH: `${home}/bin:${process.env['PATH']}` };
  return { environment: { ...own, ...environment }, etc, retry: { firstPause: 5 }, ...more };
}

function write(path: string, content: unknown): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function trust(host: string, folder = 'containers'): void {
  mkdirSync(join(etc, folder, 'certs.d', host), { recursive: true });
  copyFileSync(authority.cert, join(etc, folder, 'certs.d', host, 'ca.crt'));
}

async function pull(host: string, given: RegistrySettings, name = 'team/app:1'): Promise<number> {
  const source = new RegistrySource(parseImageName(`${host}/${name}`), given);
  try {
    return await pullAll(source, AbortSignal.timeout(20_000));
  } finally {
    await source.close();
  }
}

async function refusal(host: string, given: RegistrySettings): Promise<Failure> {
  const failure = await pull(host, given).then(
    () => null,
    (error: unknown) => error as Failure,
  );
  expect(failure).toMatchObject({ name: 'Failure' });
  const text = JSON.stringify(failure?.report);
  for (const secret of [PASSWORD, ENCODED, 'wrong-word']) expect(text).not.toContain(secret);
  return failure!;
}

test('an authority of certs.d is trusted, another is not, and the failure says where to put it', async () => {
  write(join(home, '.config/containers/auth.json'), { auths: { [guarded.host]: { auth: ENCODED } } });
  const unknown = await refusal(guarded.host, settings());
  expect(unknown.code).toBe('registry-certificate');
  expect(unknown.hint).toContain(`/etc/containers/certs.d/${guarded.host}/ca.crt`);
  trust(guarded.host, 'docker');
  expect(await pull(guarded.host, settings())).toBe(3);
  rmSync(join(etc, 'docker'), { recursive: true });
  trust(guarded.host);
  expect(await pull(guarded.host, settings())).toBe(3);
  // Without verification it is to be had too, and over TLS.
  rmSync(etc, { recursive: true });
  expect(await pull(guarded.host, settings({ insecure: true }))).toBe(3);
});

test('a certificate for another name is told as such', async () => {
  const host = `localhost:${guarded.port}`;
  trust(host);
  const failure = await refusal(host, settings());
  expect(failure.code).toBe('registry-certificate');
  expect(failure.hint).toContain('another name');
});

test('a certificate of ours is shown where certs.d has one', async () => {
  trust(clients.host);
  await expect(pull(clients.host, settings())).rejects.toThrow();
  const folder = join(etc, 'containers/certs.d', clients.host);
  copyFileSync(shown.cert, join(folder, 'client.cert'));
  await expect(pull(clients.host, settings())).rejects.toThrow('client.cert has no key');
  copyFileSync(shown.key, join(folder, 'client.key'));
  expect(await pull(clients.host, settings())).toBe(3);
});

test('credentials come from every file that has them, the most exact key first', async () => {
  trust(guarded.host);
  const right = { auth: ENCODED };
  const wrong = { auth: Buffer.from(`${USER}:wrong-word`).toString('base64') };
  const files: [string, unknown, Record<string, string>?][] = [
    [join(home, 'runtime/containers/auth.json'), { auths: { [guarded.host]: right } }],
    [join(home, '.config/containers/auth.json'), { auths: { [guarded.host]: wrong, [`${guarded.host}/team`]: right } }],
    [join(home, '.docker/config.json'), { auths: { [`https://${guarded.host}/v1/`]: right } }],
    [join(home, 'docker/config.json'), { auths: { [guarded.host]: right } }, { DOCKER_CONFIG: join(home, 'docker') }],
    [join(home, '.dockercfg'), { [`https://${guarded.host}/v1/`]: right }],
    [join(home, 'mine.json'), { auths: { [guarded.host]: right } }, { REGISTRY_AUTH_FILE: join(home, 'mine.json') }],
  ];
  for (const [path, content, environment] of files) {
    write(path, content);
    expect(await pull(guarded.host, settings({}, environment)), path).toBe(3);
    rmSync(path);
  }
  const credentials = { username: USER, password: PASSWORD };
  expect(await pull(guarded.host, settings({ credentials }))).toBe(3);
});

test('without credentials, and with wrong ones, it is told where they were looked for', async () => {
  trust(guarded.host);
  const none = await refusal(guarded.host, settings());
  expect(none).toMatchObject({ code: 'registry-unauthorized' });
  expect(none.message).toContain('UNAUTHORIZED');
  expect(none.hint).toContain(`${home}/runtime/containers/auth.json (not there)`);
  expect(none.hint).toContain(`${home}/.docker/config.json (not there)`);
  const auth = Buffer.from(`${USER}:wrong-word`).toString('base64');
  const file = write(join(home, '.docker/config.json'), { auths: { [guarded.host]: { auth } } });
  const wrong = await refusal(guarded.host, settings());
  expect(wrong.hint).toContain(`The credentials were those of ${file}, "${guarded.host}"`);
  write(file, `{ "auths": { "${guarded.host}": { "auth": ${PASSWORD}`);
  expect((await refusal(guarded.host, settings())).message).toContain(`${file} is not an auth file`);
});

test('helpers are asked with the host on stdin; what they cannot do is told', async () => {
  trust(guarded.host);
  const helper = (name: string, script: string): void => {
    const path = write(join(home, 'bin', `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  };
  const answer = JSON.stringify({ ServerURL: 'x', Username: USER, Secret: PASSWORD });
  helper('good', `[ "$1" = get ] && [ "$(cat)" = "${guarded.host}" ] && echo '${answer}'`);
  helper('empty', `echo 'credentials not found in native keychain'; exit 1`);
  helper('broken', `echo 'the wallet is locked' >&2; exit 3`);
  helper('chatty', `echo '${PASSWORD} is the word'`);
  const file = join(home, '.docker/config.json');
  for (const config of [{ credHelpers: { [guarded.host]: 'good' } }, { credsStore: 'good' }]) {
    write(file, { auths: { [guarded.host]: {} }, ...config });
    expect(await pull(guarded.host, settings())).toBe(3);
  }
  write(file, { credsStore: 'empty' });
  expect((await refusal(guarded.host, settings())).hint).toContain('docker-credential-empty');
  for (const [name, reason] of [
    ['broken', 'the wallet is locked'],
    ['chatty', 'not the JSON of a credential helper'],
    ['absent', 'not in PATH'],
    ['../../evil', 'no helper has'],
  ] as const) {
    write(file, { credsStore: name });
    const failure = await refusal(guarded.host, settings());
    expect(failure.code).toBe('credential-helper');
    expect(failure.message).toContain(reason);
  }
});

test('a token is fetched once for many blobs, as nobody, by name, or with an identity token', async () => {
  expect(await pull(bearer.host, settings({ insecure: true }))).toBe(3);
  expect(tokens.requests.map(({ method, authorization }) => [method, authorization])).toEqual([['GET', undefined]]);
  expect(tokens.requests[0]?.parameters.getAll('scope')).toEqual(['repository:team/app:pull']);
  const file = join(home, '.docker/config.json');
  write(file, { auths: { [bearer.host]: { auth: ENCODED } } });
  expect(await pull(bearer.host, settings({ insecure: true }))).toBe(3);
  expect(tokens.requests[1]).toMatchObject({ method: 'GET', authorization: `Basic ${ENCODED}` });
  write(file, { auths: { [bearer.host]: { auth: Buffer.from('0:').toString('base64'), identitytoken: 'identity' } } });
  expect(await pull(bearer.host, settings({ insecure: true }))).toBe(3);
  expect(tokens.requests[2]).toMatchObject({ method: 'POST', authorization: undefined });
  write(file, { auths: { [bearer.host]: { auth: Buffer.from(`${USER}:wrong-word`).toString('base64') } } });
  const failure = await refusal(bearer.host, settings({ insecure: true }));
  expect(failure).toMatchObject({ code: 'registry-unauthorized' });
  expect(failure.hint).toContain(file);
});

test('a token that is refused in the middle of a blob is replaced, and the blob goes on', async () => {
  const proxy = await startFaultProxy(bearer.port);
  try {
    const { headers } = await fetch(`http://${bearer.host}/v2/`);
    const refusal = { status: 401, answer: { 'www-authenticate': headers.get('www-authenticate')! } };
    const source = new RegistrySource(parseImageName(`${proxy.host}/team/app:1`), settings({ insecure: true }));
    const faults: Fault[] = [{ cutAnswer: 100 }, refusal];
    proxy.fault = ({ url }) => (url.includes('/blobs/') ? faults.shift() : undefined);
    expect(await pullAll(source, AbortSignal.timeout(20_000))).toBe(3);
    const blobs = proxy.seen.filter(({ url }) => url.includes('/blobs/'));
    const used = [...new Set(blobs.map(({ headers }) => headers.authorization))];
    expect(used.length).toBe(2);
    // The first blob: begun with the old token, refused with it, ended with the new one.
    expect(blobs.slice(0, 3).map(({ headers }) => [used.indexOf(headers.authorization), headers.range])).toEqual([
      [0, undefined],
      [0, 'bytes=100-'],
      [1, 'bytes=100-'],
    ]);
    await source.close();
  } finally {
    proxy.stop();
  }
});

test('a proxy of the environment is used for TLS by CONNECT, with its own password, and NO_PROXY kept', async () => {
  trust(`registry.test:${guarded.port}`);
  const asked: string[] = [];
  let status = '200 OK';
  const proxy: Server = createServer((socket) => {
    socket.once('data', (head) => {
      asked.push(head.toString('latin1'));
      const tunnel = connect(guarded.port, '127.0.0.1', () => socket.write(`HTTP/1.1 ${status}\r\n\r\n`));
      socket.pipe(tunnel).pipe(socket);
      for (const end of [socket, tunnel]) end.on('error', () => undefined);
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const host = `registry.test:${guarded.port}`;
  const HTTPS_PROXY = `http://me:word@127.0.0.1:${port}`;
  // The certificate is not for this name: that it is looked at shows that the tunnel stood.
  const through = await refusal(host, settings({}, { HTTPS_PROXY }));
  expect(through.code).toBe('registry-certificate');
  expect(asked[0]).toContain(`CONNECT ${host} HTTP/1.1`);
  expect(asked[0]?.toLowerCase()).toContain(
    `proxy-authorization: basic ${Buffer.from('me:word').toString('base64').toLowerCase()}`,
  );
  const direct = await refusal(host, settings({}, { HTTPS_PROXY, NO_PROXY: '.test' }));
  expect(direct.code).toBe('registry-unreachable');
  // This machine is never asked for through a proxy.
  trust(guarded.host);
  expect((await refusal(guarded.host, settings({}, { HTTPS_PROXY }))).code).toBe('registry-unauthorized');
  expect(asked.length).toBe(1);
  status = '407 Proxy Authentication Required';
  const { code, message, hint } = await refusal(host, settings({}, { HTTPS_PROXY }));
  expect([code, message, hint]).toEqual([
    'registry-unreachable',
    expect.stringContaining('Proxy response (407)'),
    expect.stringContaining('HTTPS_PROXY'),
  ]);
  proxy.close();
});
