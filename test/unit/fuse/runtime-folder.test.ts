// SPDX-License-Identifier: MIT
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runtimeFolder } from '../../../src/main/fuse/runtime-folder';

let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'lamina-runtime-'));
  vi.stubEnv('LAMINA_RUNTIME_DIR', base);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true });
});

test('is made for its user alone', () => {
  expect(runtimeFolder()).toBe(join(base, 'lamina'));
  expect(statSync(runtimeFolder()).mode & 0o777).toBe(0o700);
});

test('is refused where others may write', () => {
  mkdirSync(join(base, 'lamina'));
  chmodSync(join(base, 'lamina'), 0o777);
  expect(() => runtimeFolder()).toThrow('not yours alone');
});

test('is refused as a symlink', () => {
  symlinkSync(tmpdir(), join(base, 'lamina'));
  expect(() => runtimeFolder()).toThrow('not yours alone');
});
