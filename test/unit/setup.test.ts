// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { debianPackages } from '../../scripts/debian-packages.mjs';
import { missingPackages, parseInstalled } from '../../scripts/setup/apt.mjs';
import { satisfies } from '../../scripts/setup/electron-own.mjs';
import { electronPart } from '../../scripts/setup/electron-registry.mjs';
import { installedAsLocked } from '../../scripts/setup/npm-packages.mjs';
import { cacheRoot } from '../../scripts/setup/project.mjs';
import { addUp, summary, vitestCounts, vitestFailures } from '../../scripts/test/counts.mjs';

describe('npm packages', () => {
  const a = { version: '1.0.0', integrity: 'sha512-a' };
  const other = { version: '1.0.0', integrity: 'sha512-o', optional: true };
  const lock = { packages: { '': { name: 'lamina' }, 'node_modules/a': a, 'node_modules/other-platform': other } };
  const record = (packages: object) => ({ packages });

  test('are there when all but optional ones are, in the locked version', () => {
    expect(installedAsLocked(lock, record({ 'node_modules/a': a }))).toBe(true);
  });
  test.each([
    ['nothing is installed', undefined],
    ['one is missing', record({})],
    ['one has another version', record({ 'node_modules/a': { ...a, version: '1.0.1' } })],
    ['one has other content', record({ 'node_modules/a': { ...a, integrity: 'sha512-x' } })],
    ['there is one too many', record({ 'node_modules/a': a, 'node_modules/b': a })],
  ])('are not when %s', (_, installed) => {
    expect(installedAsLocked(lock, installed)).toBe(false);
  });
  test('need no install scripts', () => {
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^ignore-scripts=true$/m);
  });
  test('come without addresses: any registry will do', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved":/);
  });
});

describe('Debian packages', () => {
  const listing = 'xvfb installed\nlibgtk-3-0t64 installed\nlibnss3 not-installed\nxauth config-files\n';

  test('are installed under their old or new name, and only when installed wholly', () => {
    expect([...parseInstalled(listing)]).toEqual(['xvfb', 'libgtk-3-0']);
  });
  test('for a display are not required where there is one', () => {
    const without = (display: boolean): string[] =>
      missingPackages(debianPackages, new Set(), display).required.map((entry: { name: string }) => entry.name);
    expect(without(false)).toEqual(expect.arrayContaining(['xvfb', 'libgtk-3-0']));
    expect(without(true)).toEqual(expect.arrayContaining(['libgtk-3-0']));
    expect(without(true)).not.toContain('xvfb');
    expect(without(false)).not.toContain('fuse3');
  });
});

describe('Electron', () => {
  test.each([
    ['20.20.2', false],
    ['22.9.0', false],
    ['22.12.0', true],
    ['24.0.0', true],
  ])('on Node %s its installer runs: %s', (version, runs) => {
    expect(satisfies(version, '>= 22.12.0')).toBe(runs);
  });
  test.each([
    ['Cypress/Cypress', 'Cypress'],
    ['Cypress/locales/de.pak', 'locales/de.pak'],
    ['Cypress/resources/app/package.json', undefined],
    ['Cypress/resources/app.asar', undefined],
    ['Cypress/browser_v8_context_snapshot.bin', undefined],
    ['elsewhere', undefined],
  ])('from %s it takes %s', (name, place) => {
    expect(electronPart(name)).toBe(place);
  });
  test('is cached where the user says, if that is a place', () => {
    expect(cacheRoot({ XDG_CACHE_HOME: '/elsewhere' })).toBe('/elsewhere/lamina');
    expect(cacheRoot({ XDG_CACHE_HOME: 'relative' })).toMatch(/^\/.*\/\.cache\/lamina$/);
  });
});

describe('the summary', () => {
  const report = (overrides: object) => ({
    numPassedTests: 2,
    numFailedTests: 0,
    numTotalTests: 3,
    testResults: [],
    ...overrides,
  });

  test('says skipped only where some were', () => {
    expect(summary({ passed: 2, failed: 0, skipped: 0 })).toBe('2 passed, 0 failed');
    expect(summary(addUp([vitestCounts(report({}), 0), { passed: 1, failed: 1, skipped: 0 }]))).toBe(
      '3 passed, 1 failed, 1 skipped',
    );
  });
  test('counts a file that cannot be loaded, and a run that ends badly', () => {
    const unloaded = report({ testResults: [{ status: 'failed', assertionResults: [] }] });
    expect(vitestCounts(unloaded, 1).failed).toBe(1);
    expect(vitestCounts(report({}), 1).failed).toBe(1);
    expect(vitestCounts(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
  test('names what failed and why', () => {
    const test = { status: 'failed', fullName: 'a case', failureMessages: ['the reason\nand where'] };
    const file = { name: '/t.test.ts', status: 'failed', assertionResults: [test, { status: 'passed' }] };
    const unloaded = { name: '/u.test.ts', status: 'failed', assertionResults: [], message: 'no such module' };
    expect(vitestFailures(report({ testResults: [file, unloaded] }))).toEqual([
      '/t.test.ts > a case\n    the reason\n    and where',
      '/u.test.ts\n    no such module',
    ]);
    expect(vitestFailures(undefined)).toEqual([]);
  });
});
