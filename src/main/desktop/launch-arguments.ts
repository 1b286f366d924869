// SPDX-License-Identifier: MIT

/** What the command line asks of the window. */
export interface LaunchArguments {
  /** Write a picture of the settled window to this file, then quit. */
  readonly screenshot: string | null;
  readonly theme: 'light' | 'dark' | null;
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Path in the merged tree to select at start. */
  readonly select: string | null;
}

/** Reads our options, as `--name value` or `--name=value`; Chromium's own and unknown ones are not ours to judge. */
export function parseLaunchArguments(argv: readonly string[]): LaunchArguments {
  const valueOf = (name: string): string | null => {
    for (const [i, word] of argv.entries()) {
      if (word === `--${name}`) return argv[i + 1] ?? null;
      if (word.startsWith(`--${name}=`)) return word.slice(name.length + 3);
    }
    return null;
  };
  const theme = valueOf('theme');
  const size = /^(\d{3,5})x(\d{3,5})$/.exec(valueOf('size') ?? '');
  return {
    screenshot: valueOf('screenshot'),
    theme: theme === 'light' || theme === 'dark' ? theme : null,
    size: size ? { width: Number(size[1]), height: Number(size[2]) } : null,
    select: valueOf('select'),
  };
}
