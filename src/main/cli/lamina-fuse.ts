#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { display, type ByteString } from '@shared/bytes';
import type { WhiteoutForm } from '@shared/lamina-options';
import type { OptionValues } from '@shared/options';
import { version } from '../../../package.json';
import { parseFuseOverlayfs, type FuseOverlayfsCall } from '../commands/parse-fuse-overlayfs';
import { runForeground } from '../mounts/foreground';
import { recoverMounts } from '../mounts/recover';
import { startMount, type StartOptions } from '../mounts/start';
import { isFullRoot } from '../system/privilege';
import { rawArguments, workingDirectory } from './arguments';
import { printText, warn } from './print';
import { absolute, atMost, runProgram, Usage } from './program';
import { compositionOf } from './stack-options';

/*
 * Lamina's mount by fuse-overlayfs's calling convention, for container engines (`mount_program` of containers/storage),
 * mount.fuse3(8) and whoever has a script for fuse-overlayfs.
 */
const HELP = `lamina-fuse: mount a stack of overlay layers, called as fuse-overlayfs is

  lamina-fuse [-f] -o OPTIONS [SOURCE] MOUNTPOINT

OPTIONS: lowerdir=A:B, upperdir=U, workdir=W, and those of fuse-overlayfs(1) and mount(8).
Whiteouts of image layers (.wh.NAME) are read in every layer, and written.
-f stays in the foreground. Exit status: 0 mounted, 1 not.`;

interface Arguments {
  readonly texts: readonly ByteString[];
  readonly positionals: readonly ByteString[];
  readonly foreground: boolean;
  readonly answer: string | null;
}

function readArguments(): Arguments {
  const flag = (short: string): { type: 'boolean'; short: string } => ({ type: 'boolean', short });
  try {
    const { values, positionals } = parseArgs({
      args: rawArguments(),
      allowPositionals: true,
      options: {
        options: { type: 'string', short: 'o', multiple: true },
        foreground: flag('f'),
        debug: flag('d'),
        single: flag('s'),
        help: flag('h'),
        version: flag('V'),
      },
    });
    const answer = values.help ? HELP : values.version ? `lamina-fuse: version ${version}` : null;
    // libfuse's -d stays in the foreground too.
    const foreground = values.foreground === true || values.debug === true;
    return { texts: values.options ?? [], positionals, foreground, answer };
  } catch (error) {
    throw new Usage((error as Error).message.split('. ')[0]);
  }
}

/** An own choice among the words that the kernel's options leave over: `whiteouts=kernel`. */
function whiteoutsOf(call: FuseOverlayfsCall): WhiteoutForm {
  return call.unknown.includes('whiteouts=kernel') ? 'kernel' : 'oci';
}

/** Without the right to `trusted.*` the marks are kept in `user.*`, as the kernel's `userxattr` does (semantics 5.6). */
function optionsOf({ mount, unsynced }: FuseOverlayfsCall): OptionValues {
  return {
    ...mount.options,
    ...(isFullRoot() ? {} : { userxattr: true }),
    ...(unsynced ? { volatile: true } : {}),
  };
}

/** A label means something to a security module alone; without SELinux the kernel refuses the mount for it. */
function labelOf({ context }: FuseOverlayfsCall): { context?: ByteString } {
  if (context === null || existsSync('/sys/fs/selinux/enforce')) return context === null ? {} : { context };
  warn(`note: context=${display(context)} has no effect: the kernel has no SELinux`);
  return {};
}

/** How long a mount of the same upper may take to end: engines unmount and mount again at once. */
const PATIENCE_MS = 3000;

function startOptions(call: FuseOverlayfsCall, positionals: readonly ByteString[]): StartOptions {
  const mountpoint = absolute(positionals.at(-1)!);
  const { owners, staticLinks, noAcl, unsynced, mount, flags } = call;
  const source = call.source ?? (positionals.length > 1 ? positionals[0]! : 'lamina-fuse');
  return {
    composition: compositionOf({ ...mount, options: optionsOf(call) }, mountpoint),
    mountpoint,
    flags,
    source: display(source),
    engine: { whiteouts: whiteoutsOf(call), staticLinks, noAcl, ...(owners ? { owners } : {}) },
    write: { unmarked: unsynced, patience: PATIENCE_MS },
    ...labelOf(call),
  };
}

async function main(): Promise<void> {
  const { texts, positionals, foreground, answer } = readArguments();
  if (answer !== null) return printText(answer);
  atMost(positionals, 2);
  if (positionals.length === 0) throw new Usage('MOUNTPOINT is missing');
  const call = parseFuseOverlayfs(texts, workingDirectory());
  for (const word of call.unknown)
    if (!word.startsWith('whiteouts=')) warn(`unknown argument ignored: ${display(word)}`);
  const options = startOptions(call, positionals);
  for (const notice of await recoverMounts()) warn(notice);
  await (foreground ? runForeground(options) : startMount(options));
}

void runProgram(main, 'lamina-fuse --help', { failed: 1, usage: 1 });
