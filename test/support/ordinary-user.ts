// SPDX-License-Identifier: MIT
import { chmodSync, mkdirSync, mkdtempSync, rmSync, chownSync } from 'node:fs';
import { resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { unmount } from '../../src/main/system/mount';
import type { CliUser } from './cli';

/** An ordinary user's numbers; no account is needed for what the tests do but a line in /etc/passwd for fusermount3. */
const NAME = 'lamina-test';

function numbers(): { uid: number; gid: number } {
  spawnSync('useradd', ['--system', '--no-create-home', NAME]);
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, NAME], { encoding: 'utf8' }).stdout));
  return { uid: uid!, gid: gid! };
}

/**
 * Gives an ordinary user a folder, a runtime folder and a way to the checkout, wherever that is: it may lie in a folder
 * that only root may enter. `/dev/fuse` gets the mode that workstations give it.
 */
export function asOrdinaryUser(): { user: Required<Omit<CliUser, 'environment'>>; folder: string; done: () => void } {
  const ids = numbers();
  chmodSync('/dev/fuse', 0o666);
  const base = mkdtempSync('/var/tmp/lamina-user-');
  chmodSync(base, 0o755);
  const make = (name: string): string => {
    const path = `${base}/${name}`;
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, ids.uid, ids.gid);
    return path;
  };
  const checkout = `${base}/checkout`;
  mkdirSync(checkout);
  const bound = spawnSync('mount', ['--bind', resolve('.'), checkout], { encoding: 'utf8' });
  if (bound.status !== 0) throw new Error(bound.stderr);
  return {
    user: { ...ids, runtime: make('run'), checkout },
    folder: make('work'),
    done() {
      unmount(checkout, true);
      rmSync(base, { recursive: true, force: true });
    },
  };
}
