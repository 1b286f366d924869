// SPDX-License-Identifier: MIT
// Who is measured, and how each mounts a stack read-only and unmounts it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../../scripts/setup/project.mjs';
import { SetUpFailure } from '../../scripts/setup/say.mjs';
import { run } from './run.mjs';

const program = join(projectRoot, 'out/main/cli.js');
const lamina = (args, options) => run([process.execPath, program, ...args], options);

/**
 * Unmounts. What a killed run left takes a moment to close its files; what stays busy is detached, for nothing of ours
 * may stay behind.
 */
async function unmount(command, lazily) {
  for (let tries = 0; tries < 20; tries++) {
    try {
      return await run(command);
    } catch {
      await sleep(100);
    }
  }
  await run(lazily);
}

const isMountpoint = (at) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === at);

/** The option text: read-only without an upper. */
function optionText(lowerdir, write) {
  if (!write) return `ro,lowerdir=${lowerdir}`;
  return [`lowerdir=${lowerdir}`, `upperdir=${write.upper}`, `workdir=${write.work}`, ...write.options].join(',');
}

async function mountKernel(lowerdir, at, write) {
  await run(['mount', '-t', 'overlay', 'overlay', '-o', optionText(lowerdir, write), at]);
  return { pid: null, unmount: () => unmount(['umount', at], ['umount', '-l', at]) };
}

/** In the foreground, so that its process is known; in a group of its own, so that Ctrl-C does not end it under us. */
async function mountFuseOverlayfs(lowerdir, at, write) {
  // It knows neither metacopy nor redirects; what runs in the mount needs its devices.
  const args = ['-f', '-o', `suid,dev,${optionText(lowerdir, write && { ...write, options: [] })}`, at];
  const server = spawn('fuse-overlayfs', args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let ended = false;
  server.stderr.on('data', (data) => (said += data));
  const end = once(server, 'exit').catch((error) => (said += error.message));
  void end.then(() => (ended = true));
  while (!isMountpoint(at)) {
    if (ended) throw new SetUpFailure(`fuse-overlayfs did not mount: ${said.trim()}`);
    await sleep(5);
  }
  return {
    pid: server.pid,
    unmount: async () => {
      await unmount(['umount', at], ['umount', '-l', at]);
      await end;
    },
  };
}

const mountLamina = (transport) => async (lowerdir, at, write) => {
  const options = `suid,dev,${optionText(lowerdir, write)}`;
  const args = ['mount', '--json', '--transport', transport, '-o', options, at];
  const { pid, id } = JSON.parse((await lamina(args, { capture: true })).stdout);
  return {
    pid,
    requests: async () => {
      const { stdout } = await lamina(['mounts', '--json'], { capture: true });
      return JSON.parse(stdout).find((mount) => mount.id === id).requests;
    },
    unmount: () => unmount([process.execPath, program, 'umount', at], ['umount', '-l', at]),
  };
};

/** `mount(lowerdir, at, { upper, work, options })`, read-only without the third, resolves to the server's `pid`, `unmount`, and `requests` where they are counted. */
export const contestants = [
  { name: 'kernel', title: 'kernel overlayfs', mount: mountKernel },
  { name: 'fuse-overlayfs', title: 'fuse-overlayfs', server: true, mount: mountFuseOverlayfs },
  { name: 'direct', title: 'Lamina, direct', server: true, counts: true, mount: mountLamina('direct') },
  { name: 'fuse-native', title: 'Lamina, fuse-native', server: true, counts: true, mount: mountLamina('fuse-native') },
];

/** Peak resident memory of a process, bytes. */
export function peakMemory(pid) {
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes[1]) * 1024;
}
