// SPDX-License-Identifier: MIT
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import { resolve } from 'node:path';

const alias = { '@shared': resolve('src/shared') };

export default defineConfig({
  main: {
    resolve: { alias },
    build: {
      // The programs that main is made of: the app, the command line and its two helpers, the process behind each mount, and the
      // worker threads in which a mount's session, the app's engine, its image store, analyses and comparisons run.
      rollupOptions: {
        input: {
          index: resolve('src/main/index.ts'),
          cli: resolve('src/main/cli/main.ts'),
          'lamina-fuse': resolve('src/main/cli/lamina-fuse.ts'),
          'mount-helper': resolve('src/main/cli/mount-helper.ts'),
          'mount-process': resolve('src/main/fuse/mount-process.ts'),
          'session-worker': resolve('src/main/fuse/session-worker.ts'),
          'view-worker': resolve('src/main/desktop/view-worker.ts'),
          'library-worker': resolve('src/main/desktop/library-worker.ts'),
          'study-worker': resolve('src/main/desktop/study-worker.ts'),
        },
        // Beside the programs, which find each other by relative URL from wherever their code was put.
        output: { chunkFileNames: '[name]-[hash].js' },
      },
    },
  },
  preload: {
    resolve: { alias },
    build: {
      externalizeDeps: { exclude: ['valibot'] },
      rollupOptions: {
        input: { index: resolve('src/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    resolve: { alias },
    plugins: [svelte()],
    build: { rollupOptions: { input: resolve('src/renderer/index.html') } },
  },
});
