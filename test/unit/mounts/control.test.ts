// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountActivity } from '../../../src/main/mounts/activity';
import { command } from '../../../src/main/mounts/control';
import { mountLog } from '../../../src/main/mounts/log';
import { logPath, socketPath } from '../../../src/main/fuse/mount-record';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-control-'));
  process.env['LAMINA_RUNTIME_DIR'] = folder;
  mkdirSync(join(folder, 'lamina'), { mode: 0o700 });
});

afterEach(() => {
  delete process.env['LAMINA_RUNTIME_DIR'];
  rmSync(folder, { recursive: true });
});

/** Stands for a mount process: answers one line, and tells which. */
async function answering(reply: object, ask: () => Promise<unknown>): Promise<{ line: string; result: unknown }> {
  let line = '';
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      line += data.toString();
      if (line.endsWith('\n')) socket.end(`${JSON.stringify(reply)}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath('m'), resolve));
  try {
    return { result: await ask().catch((error: unknown) => error), line };
  } finally {
    server.close();
  }
}

test('a command goes as a word, its argument as JSON behind it', async () => {
  const token = 'f'.repeat(64);
  const paths = ['/caf\xe9', '/a b'];
  const { line } = await answering({ ok: true }, () => command('m', 'discard', { paths, token }));
  expect(line.startsWith('discard {')).toBe(true);
  expect(JSON.parse(line.slice('discard '.length))).toEqual({ paths, token });
  expect((await answering({ ok: true }, () => command('m', 'stop'))).line).toBe('stop\n');
});

test('a refusal is a Failure with what was said', async () => {
  const refusal = { ok: false, code: 'EBUSY', message: 'busy', hint: 'wait' };
  const { result } = await answering(refusal, () => command('m', 'stop'));
  expect(result).toMatchObject({ name: 'Failure', code: 'EBUSY', message: 'busy', hint: 'wait' });
});

test('what a mount process does not count is none', async () => {
  const status = { ok: true, requests: { READ: 3 }, errors: 1, nodes: 2, memory: 9 };
  const { result } = await answering(status, () => mountActivity({ id: 'm', transport: 'direct' }));
  expect(result).toEqual({
    transport: 'direct',
    requests: { READ: 3 },
    errors: 1,
    bytesRead: 0,
    bytesWritten: 0,
    copyUps: 0,
    copyUpBytes: 0,
    memory: 9,
  });
});

test('the log is read from its end, whole lines alone', async () => {
  expect(await mountLog('m', 10)).toEqual([]);
  const lines = Array.from({ length: 20_000 }, (_, i) => `2026-01-01 line ${i}`);
  writeFileSync(logPath('m'), `${lines.join('\n')}\n`);
  expect(await mountLog('m', 2)).toEqual(lines.slice(-2));
  const all = await mountLog('m', 1_000_000);
  expect(all.length).toBeLessThan(lines.length);
  expect(all).toEqual(lines.slice(-all.length));
});
