// SPDX-License-Identifier: MIT
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface RegistryKind {
  /** A folder of its own, for its storage and settings. */
  readonly folder: string;
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Lines of an htpasswd file. */
  readonly htpasswd?: string;
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly bundle: string;
  };
  /** The port, where another registry is to come back as this one. */
  readonly port?: number;
}

/** Starts Debian's docker-registry on loopback, and waits until it answers. */
export async function startRegistry(kind: RegistryKind): Promise<Registry> {
  const port = kind.port ?? (await freePort());
  mkdirSync(kind.folder, { recursive: true });
  const file = (name: string): string => join(kind.folder, name);
  const auth =
    kind.htpasswd === undefined
      ? kind.token && { token: { ...kind.token, rootcertbundle: kind.token.bundle, bundle: undefined } }
      : { htpasswd: { realm: 'test', path: file('htpasswd') } };
  if (kind.htpasswd !== undefined) writeFileSync(file('htpasswd'), kind.htpasswd);
  const { cert, key, clientCa } = kind.tls ?? {};
  const tls = kind.tls && { certificate: cert, key, ...(clientCa === undefined ? {} : { clientcas: [clientCa] }) };
  // YAML takes JSON.
  const config = {
    version: 0.1,
    log: { accesslog: { disabled: true }, level: 'error' },
    storage: { filesystem: { rootdirectory: file('storage') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}`, secret: 'test', ...(tls ? { tls } : {}) },
    ...(auth ? { auth } : {}),
  };
  writeFileSync(file('config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', file('config.yml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error(`docker-registry does not start: ${said}`);
    await sleep(25);
  }
  return {
    host: `127.0.0.1:${port}`,
    port,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** Runs a program to its end, while servers of the test's own answer it; what it prints on stdout. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 28,
  });
  return stdout;
}
