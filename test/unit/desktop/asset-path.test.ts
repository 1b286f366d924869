// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetPath } from '../../../src/main/desktop/asset-path';

let scratch = '';
let root = '';

beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'lamina-assets-')));
  root = join(scratch, 'renderer');
  mkdirSync(join(root, 'assets'), { recursive: true });
  mkdirSync(join(scratch, 'renderer-other'));
  writeFileSync(join(root, 'index.html'), '');
  writeFileSync(join(root, 'assets/app.js'), '');
  writeFileSync(join(scratch, 'secret'), '');
  writeFileSync(join(scratch, 'renderer-other/secret'), '');
  symlinkSync('../secret', join(root, 'link'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('assetPath', () => {
  it('finds what is in the bundle', () => {
    expect(assetPath(root, 'app://bundle/')).toBe(join(root, 'index.html'));
    expect(assetPath(root, 'app://bundle/index.html?x#y')).toBe(join(root, 'index.html'));
    expect(assetPath(root, 'app://bundle/assets/app.js')).toBe(join(root, 'assets/app.js'));
  });

  it.each([
    'app://bundle/../secret',
    'app://bundle/%2e%2e/secret',
    'app://bundle/..%2fsecret',
    'app://bundle/assets/%2e%2e%2f%2e%2e%2fsecret',
    'app://bundle/index.html%00.js',
    'app://bundle//etc/passwd',
    'app://bundle/%2fetc/passwd',
    'app://bundle/link',
    'app://bundle/..%2frenderer-other/secret',
    'app://bundle/assets',
    'app://bundle/nothing.js',
    'app://elsewhere/index.html',
    'file:///etc/passwd',
    'not an address',
    'app://bundle/%zz',
  ])('refuses %s', (url) => {
    expect(assetPath(root, url)).toBeNull();
  });
});
