// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { parseLaunchArguments } from '../../../src/main/desktop/launch-arguments';

it('reads our arguments among others', () => {
  const argv = [
    'electron',
    '--no-sandbox',
    '.',
    '--screenshot',
    'x.png',
    '--theme=dark',
    '--size',
    '1024x700',
    '--select',
    '/etc',
  ];
  expect(parseLaunchArguments(argv)).toEqual({
    screenshot: 'x.png',
    theme: 'dark',
    size: { width: 1024, height: 700 },
    select: '/etc',
  });
});

it('passes over what makes no sense', () => {
  expect(parseLaunchArguments(['electron', '--theme', 'pink', '--size', 'big'])).toEqual({
    screenshot: null,
    theme: null,
    size: null,
    select: null,
  });
});
