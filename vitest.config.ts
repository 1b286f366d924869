// SPDX-License-Identifier: MIT
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const alias = { '@shared': resolve('src/shared') };

/** Tests that mount, or drive a window: one file at a time, and slow at worst. */
function serial(name: string) {
  return {
    resolve: { alias },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      pool: 'forks' as const,
      fileParallelism: false,
      testTimeout: 120_000,
      hookTimeout: 120_000,
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
      serial('engine'),
      serial('fuse'),
      serial('e2e'),
    ],
  },
});
