// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Failure } from '@shared/failure';
import { parseImageName } from '../../src/main/images/image-name';
import { listTags } from '../../src/main/images/registry/list-tags';
import { RegistryDestination } from '../../src/main/images/registry/registry-destination';
import { RegistrySource } from '../../src/main/images/registry/registry-source';
import { pieces } from '../support/pull';

// Registries that mean harm: whatever bytes they answer with, each call ends, with a Failure that shows no control
// characters, holds no credentials, and has kept little in memory.

type Behaviour = (socket: Socket, head: string) => void;

let server: Server;
const sockets = new Set<Socket>();

async function hostile(behaviour: Behaviour): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (chunk) => {
      // TLS is tried first, and is not what is to be seen here.
      if (text === '' && chunk[0] === 0x16) return void socket.destroy();
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        behaviour(socket, head);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const SECRET = 'c2VjcmV0LXdvcmQ';
const settings = {
  insecure: true,
  environment: { HOME: '/nonexistent', CONTAINERS_REGISTRIES_CONF: '/dev/null' },
  etc: '/nonexistent',
  credentials: { username: 'user', password: SECRET },
  retry: { tries: 2, firstPause: 1, longestRetryAfter: 50 },
  idleTimeout: 300,
};
const blob = { mediaType: 'application/octet-stream', digest: `sha256:${'a'.repeat(64)}`, size: 1000 };
const signal = (): AbortSignal => AbortSignal.timeout(15_000);

/** What each call against a host ends with; anything but a Failure or success fails the test. */
async function outcomes(host: string): Promise<string[]> {
  const name = parseImageName(`${host}/a/b:c`);
  const source = new RegistrySource(name, settings);
  const destination = new RegistryDestination(name, { ...settings, mountFrom: ['c/d'] });
  const calls: (() => Promise<unknown>)[] = [
    () => source.root(signal()),
    async () => {
      for await (const _ of await source.open(blob, 10, signal()));
    },
    async () => {
      for await (const _ of listTags(name, settings, signal()));
    },
    () => destination.has(blob, signal()),
    () =>
      destination.put(
        blob,
        async (offset) => pieces(Buffer.alloc(1000 - offset)),
        () => undefined,
        signal(),
      ),
  ];
  const ends = await Promise.all(
    calls.map((call) =>
      call().then(
        () => 'done',
        (error: unknown) => {
          if (!(error instanceof Failure)) throw error;
          const text = JSON.stringify([error.message, error.hint]);
          expect(text).not.toMatch(/\\u00|\\[bfnrt]|[\u007f-\u009f\u202e]/);
          expect(text).not.toContain(SECRET);
          expect(text.length).toBeLessThan(3000);
          return error.code;
        },
      ),
    ),
  );
  await Promise.all([source.close(), destination.close()]);
  return ends;
}

const answer = (status: string, headers: readonly string[], body = ''): string =>
  [`HTTP/1.1 ${status}`, ...headers, `content-length: ${Buffer.byteLength(body, 'latin1')}`, '', body].join('\r\n');

/** Behaves as a registry to the first question, and then as told. */
const later =
  (behaviour: Behaviour): Behaviour =>
  (socket, head) => {
    if (/^GET \/v2\/ /.test(head)) socket.write(answer('200 OK', []));
    else behaviour(socket, head);
  };

const ESCAPE = '\u001b[2J\u009b\u202e';

test.each<[string, Behaviour]>([
  ['closes at once', (socket) => socket.destroy()],
  ['says nothing', () => undefined],
  ['speaks something else', (socket) => socket.end('SSH-2.0-OpenSSH\r\n')],
  [
    'answers with random bytes',
    (socket) => socket.end(Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 73) % 256))),
  ],
  ['redirects to itself', later((socket, head) => socket.write(answer('307 T', [`location: ${head.split(' ')[1]}`])))],
  [
    'redirects ever further',
    later((socket, head) => socket.write(answer('302 F', [`location: ${head.split(' ')[1]}/x`]))),
  ],
  [
    'redirects to control characters',
    later((socket) => socket.write(answer('302 F', ['location: \u0080\u009b31m\u0001']))),
  ],
  ['redirects to a file', later((socket) => socket.write(answer('302 F', ['location: file:///etc/passwd'])))],
  [
    'has a challenge without end',
    (socket) => socket.write(answer('401 U', [`www-authenticate: Bearer ${'a="b",'.repeat(2000)}`])),
  ],
  [
    'has a realm that is no address',
    (socket) => socket.write(answer('401 U', ['www-authenticate: Bearer realm="javascript:1"'])),
  ],
  [
    'has a realm that is itself',
    (socket, head) =>
      socket.write(answer('401 U', [`www-authenticate: Bearer realm="http://${/host: (.*)/i.exec(head)?.[1]}/"`])),
  ],
  ['asks again and again', (socket) => socket.write(answer('401 U', ['www-authenticate: Basic realm="x"']))],
  ['has headers without end', (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`)],
  ['has one header without end', (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(500_000)}`)],
  [
    'has two lengths',
    later((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}    ')),
  ],
  ['claims a huge length', later((socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 60}\r\n\r\n{}`))],
  ['has a negative length', later((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}'))],
  [
    'has errors that clear the screen',
    later((socket) =>
      socket.write(answer('404 N', [], JSON.stringify({ errors: [{ code: ESCAPE, message: ESCAPE.repeat(5000) }] }))),
    ),
  ],
  ['has errors of the wrong kind', later((socket) => socket.write(answer('500 E', [], '{"errors":[[[]],null,7]}')))],
  ['nests its JSON', later((socket) => socket.write(answer('200 OK', [], '['.repeat(200_000))))],
  [
    'nests its JSON well',
    later((socket) => socket.write(answer('200 OK', [], `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`))),
  ],
  ['answers null', later((socket) => socket.write(answer('200 OK', [], 'null')))],
  [
    'has a prototype',
    later((socket) => socket.write(answer('200 OK', [], '{"__proto__":{"tags":["x"]},"constructor":1,"mediaType":7}'))),
  ],
  [
    'claims a digest of nothing',
    later((socket) => socket.write(answer('200 OK', [`docker-content-digest: ${ESCAPE}`], '{}'))),
  ],
  [
    'retries us in a thousand years',
    later((socket) => socket.write(answer('503 S', ['retry-after: 99999999999999999999']))),
  ],
  [
    'pages in a circle',
    later((socket, head) =>
      socket.write(answer('200 OK', [`link: <${head.split(' ')[1]}>; rel="next"`], '{"tags":["a"]}')),
    ),
  ],
  [
    'pages elsewhere',
    later((socket) => socket.write(answer('200 OK', ['link: <http://127.0.0.2:1/>; rel="next"'], '{"tags":[]}'))),
  ],
  [
    'has had more than was sent',
    later((socket) =>
      socket.write(answer('202 A', ['location: /up', 'range: 0-99999999', 'content-range: bytes 999-9/8'])),
    ),
  ],
  [
    'has an upload elsewhere',
    later((socket) => socket.write(answer('202 A', ['location: gopher://x/', 'range: 0-\u00b2']))),
  ],
  [
    'switches protocols',
    later((socket) => socket.write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')),
  ],
  ['is informed without end', later((socket) => socket.write('HTTP/1.1 103 Early\r\n\r\n'.repeat(5000)))],
])('a registry that %s', async (_, behaviour) => {
  const before = process.memoryUsage().rss;
  const ends = await outcomes(await hostile(behaviour));
  expect(ends.some((end) => end !== 'done')).toBe(true);
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
});

test('an answer without end is left where a small document was asked for', async () => {
  let sent = 0;
  const host = await hostile(
    later((socket, head) => {
      if (/^(?:HEAD|POST)/.test(head)) return void socket.write(answer('404 N', []));
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, ' '), Buffer.from('\r\n')]);
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      };
      socket.on('drain', more);
      more();
    }),
  );
  const ends = await outcomes(host);
  expect(ends.slice(0, 3)).toEqual(['registry-answer', 'wrong-size', 'registry-answer']);
  expect(sent).toBeLessThan(200e6);
});

test('a registry of random answers', async () => {
  const line = fc.constantFrom(
    ...[
      'location: /v2/',
      'location: //',
      'www-authenticate: Bearer realm="/t"',
      'www-authenticate: ,=,"',
      'link: <',
      'range: 0-5',
    ],
    ...[
      'content-range: bytes 10-/',
      'docker-content-digest: sha256:',
      'content-type: \t',
      'retry-after: 0',
      'content-encoding: gzip',
    ],
    ...['content-length: 3', 'transfer-encoding: chunked', 'connection: close', 'x:\u0000', ': ', ''],
  );
  const status = fc.constantFrom(
    '200 OK',
    '201 C',
    '202 A',
    '204 N',
    '206 P',
    '304 N',
    '307 T',
    '400 B',
    '401 U',
    '404 N',
    '416 R',
    '429 T',
    '500 E',
    '999 ?',
    'OK',
  );
  const body = fc.constantFrom(
    '',
    '{}',
    '{"token":"\\u0000"}',
    '{"errors":[{}]}',
    '{"schemaVersion":1}',
    '[1',
    'zz\r\n',
    '3\r\nabc\r\n0\r\n\r\n',
    ESCAPE,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(status, fc.array(line, { maxLength: 4 }), body), { minLength: 1, maxLength: 6 }),
      async (answers) => {
        let at = 0;
        const host = await hostile((socket) => {
          const [first, lines, text] = answers[(at += 1) % answers.length]!;
          socket.end(Buffer.from([`HTTP/1.1 ${first}`, ...lines, '', text].join('\r\n'), 'latin1'));
        });
        try {
          await outcomes(host);
        } finally {
          for (const socket of sockets) socket.destroy();
          server.close();
        }
      },
    ),
    { numRuns: Number(process.env['LAMINA_HOSTILE_RUNS'] ?? 8), endOnFailure: true },
  );
}, 600_000);
