// SPDX-License-Identifier: MIT
import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import typescript from 'typescript-eslint';
import { importsRule } from './scripts/lint/imports-rule.mjs';

const typed = ['src/**/*.ts', 'src/**/*.svelte', 'test/**/*.ts'];

export default defineConfig(
  { ignores: ['out/', 'node_modules/', '.cache/'] },
  typescript.configs.recommended,
  svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: typescript.parser, extraFileExtensions: ['.svelte'] } },
    rules: {
      // State is replaced, not mutated ($state.raw), so plain Maps and Sets are right.
      'svelte/prefer-svelte-reactivity': 'off',
      // It takes the words of the reason behind a svelte-ignore for names; svelte-check knows better.
      'svelte/no-unused-svelte-ignore': 'off',
    },
  },
  {
    files: typed,
    languageOptions: { parserOptions: { projectService: true, extraFileExtensions: ['.svelte'] } },
    rules: {
      // Of the rules that need types only those that find what nothing else finds: tsc is strict already.
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  {
    plugins: { lamina: { rules: { imports: importsRule } } },
    rules: {
      'lamina/imports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-imports': [
        'error',
        {
          paths: ['child_process', 'node:child_process'].map((name) => ({
            name,
            importNames: ['exec', 'execSync'],
            message: 'Start programs with an argument list, never with a shell string.',
          })),
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Property[key.name="shell"]:not([value.value=false])',
          message: 'Start programs with an argument list, never with a shell string.',
        },
      ],
    },
  },
  {
    // Errors are for the terminal that started us; all else is for the user, and is shown in the window.
    files: ['src/**'],
    ignores: ['src/main/cli/**'],
    rules: { 'no-console': ['error', { allow: ['error'] }] },
  },
  {
    // Pure TypeScript, for the main process and the window alike.
    files: ['src/shared/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'Buffer', 'global', '__dirname', '__filename', 'require'],
        ...['window', 'document', 'navigator', 'location', 'localStorage', 'self'],
      ],
    },
  },
);
