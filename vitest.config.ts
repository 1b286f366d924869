// SPDX-License-Identifier: MIT
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const alias = { '@shared': resolve('src/shared') };

// The engine and FUSE tests compare with mounts of the kernel's, which root alone can make.
const asRoot = process.getuid?.() === 0;

/** Tests that mount, or drive a window: one file at a time, and slow at worst. */
function serial(name: string, { needsRoot }: { needsRoot: boolean }) {
  return {
    resolve: { alias },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      pool: 'forks' as const,
      fileParallelism: false,
      testTimeout: 120_000,
      hookTimeout: 120_000,
      ...(needsRoot && !asRoot ? { runner: './scripts/test/ordinary-user.mjs' } : {}),
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], pool: 'forks', testTimeout: 20_000 },
      },
      serial('engine', { needsRoot: true }),
      serial('fuse', { needsRoot: true }),
      serial('images', { needsRoot: true }),
      serial('e2e', { needsRoot: false }),
    ],
  },
});
