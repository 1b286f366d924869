#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { parseArgs } from 'node:util';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { recoverMounts } from '../mounts/recover';
import { startMount } from '../mounts/start';
import { rawArguments } from './arguments';
import { printText, warn } from './print';
import { absolute, runProgram, Usage } from './program';
import { readStackOptions } from './stack-options';

/*
 * The helper that mount(8) calls for the type `fuse.lamina` (EXTERNAL HELPERS there), for fstab and systemd:
 * /sbin/mount.fuse.lamina SOURCE MOUNTPOINT [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
 */
const USAGE = 'mount -t fuse.lamina -o lowerdir=A:B,upperdir=U,workdir=W SOURCE MOUNTPOINT';

interface Arguments {
  readonly source: ByteString;
  readonly mountpoint: ByteString;
  readonly texts: readonly ByteString[];
  readonly sloppy: boolean;
  readonly fake: boolean;
  readonly verbose: boolean;
}

function readArguments(): Arguments {
  const flag = (short: string): { type: 'boolean'; short: string } => ({ type: 'boolean', short });
  const text = (short: string): { type: 'string'; short: string } => ({ type: 'string', short });
  try {
    const { values, positionals } = parseArgs({
      args: rawArguments(),
      allowPositionals: true,
      options: {
        options: { type: 'string', short: 'o', multiple: true },
        sloppy: flag('s'),
        fake: flag('f'),
        'no-mtab': flag('n'),
        verbose: flag('v'),
        'read-only': flag('r'),
        'read-write': flag('w'),
        namespace: text('N'),
        type: text('t'),
      },
    });
    const [source, mountpoint] = positionals;
    if (source === undefined || mountpoint === undefined || positionals.length > 2)
      throw new Usage('a source and a mount point are needed');
    const texts = [...(values.options ?? []), ...(values['read-only'] ? ['ro'] : [])];
    const { sloppy = false, fake = false, verbose = false } = values;
    return { source, mountpoint: absolute(mountpoint), texts, sloppy, fake, verbose };
  } catch (error) {
    throw error instanceof Usage ? error : new Usage((error as Error).message.split('. ')[0]);
  }
}

/** How long a mount of the same upper may take to end: `umount` returns before its process is gone. */
const PATIENCE_MS = 3000;

async function main(): Promise<void> {
  const { source, mountpoint, texts, sloppy, fake, verbose } = readArguments();
  const { composition, other, whiteouts } = readStackOptions(texts, mountpoint, sloppy);
  if (other.includes('remount')) {
    throw new Failure(
      'EOPNOTSUPP',
      `${display(mountpoint)} cannot be changed by its helper.`,
      'For ro and rw: mount -i -o remount,ro MOUNTPOINT. For other layers unmount it first.',
    );
  }
  const shown = other.find((word) => word.startsWith('fsname='))?.slice('fsname='.length) ?? source;
  if (fake) return;
  for (const notice of await recoverMounts()) warn(notice);
  await startMount({
    composition,
    mountpoint,
    flags: other,
    source: display(shown),
    engine: { whiteouts },
    write: { patience: PATIENCE_MS },
  });
  if (verbose) printText(`${display(source)} mounted on ${display(mountpoint)}.`);
}

/** mount(8)'s own statuses: 1 for wrong usage, 32 for a mount that failed. */
void runProgram(main, USAGE, { failed: 32, usage: 1 });
