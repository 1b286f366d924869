// SPDX-License-Identifier: MIT
// npm run programs [-- WORD …]: real programs on Lamina's mount and by its mount programs, compared with the kernel's
// overlayfs. A line a step; status 1 where one differs. With words, only the steps whose name has one of them.
// What `npm test` does of this is in test/fuse/programs.test.ts; this adds what takes long or needs the network.
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setUpDebianPackages } from '../../scripts/setup/apt.mjs';
import { setUpBuild } from '../../scripts/setup/build.mjs';
import { installHelpers } from '../../scripts/setup/helpers.mjs';
import { setUpNpmPackages } from '../../scripts/setup/npm-packages.mjs';
import { projectRoot } from '../../scripts/setup/project.mjs';
import { compareWorkload, makeFixtures } from './compare.mjs';
import { debianImage, installPackages } from './debian.mjs';
import { Engine } from './engines.mjs';
import { differences } from './list-tree.mjs';
import { outputOf, run } from './run-program.mjs';
import { buildSource, fetchSource, makeNpmProject, npmCi } from './sources.mjs';
import { workloads } from './workloads.mjs';

const ROOTLESS = 'lamina-rootless';
const BUSYBOX = '/usr/bin/busybox';
const RUN_COMMAND = ['/bin/sh', '-c', 'id -u; cat /dir/again/3; rm /etc/moved; ls /etc; echo made >/made'];

const folder = mkdtempSync('/var/tmp/lamina-programs-');
chmodSync(folder, 0o755);
const results = { passed: 0, failed: 0, refused: 0 };
const words = process.argv.slice(2);

/** Runs a step, which gives the differences it found, or { refused } for what the machine allows nobody. */
function step(name, work) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) return;
  const started = Date.now();
  let found;
  try {
    found = work() ?? [];
  } catch (error) {
    found = [error.message];
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const kind = found.refused ? 'refused' : found.length === 0 ? 'passed' : 'failed';
  results[kind] += 1;
  console.log(`${kind.padEnd(8)} ${seconds.padStart(6)} s  ${name}${found.refused ? `: ${found.refused}` : ''}`);
  if (kind === 'failed') for (const line of found) console.log(`         ${line.replaceAll('\n', '\n         ')}`);
}

/** An ordinary user with sub-ids, a way to the checkout that he may go, and a device that he may open. */
function rootlessUser() {
  run('useradd', ['--create-home', ROOTLESS], { mayFail: true });
  const id = (flag) => Number(outputOf('id', [flag, ROOTLESS]));
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  run('mount', ['--bind', projectRoot, checkout]);
  chmodSync('/dev/fuse', 0o666);
  return { name: ROOTLESS, uid: id('-u'), gid: id('-g'), checkout };
}

/** The same images built by one engine that mounts by Lamina and by one that mounts by the kernel. */
function compareEngines(name, mountProgram, user, isolation) {
  const engines = [null, mountProgram].map((program, i) => new Engine(join(folder, `${name}-${i}`), program, user));
  try {
    const lists = engines.map((engine) => {
      engine.buildLayers(BUSYBOX, isolation);
      return engine.listImage('three');
    });
    const ran = engines.map((engine) => engine.podmanRun('three', RUN_COMMAND));
    const told = ran.map(({ status, stdout, stderr }) => [`status ${status}`, stdout, status === 0 ? '' : stderr]);
    const types = lists[1].type === 'fuse.lamina' ? [] : [`mounted as ${lists[1].type}`];
    const wrong = [...types, ...differences(lists[0].lines, lists[1].lines), ...differences(told[0], told[1])];
    if (wrong.length === 0 && ran[0].status !== 0)
      return { refused: `podman run, with the kernel's overlayfs too: ${ran[0].stderr.trim()}` };
    return wrong;
  } finally {
    for (const engine of engines) engine.remove();
  }
}

/** A command in a container of the Debian image, which skopeo brings in. */
function runDebian(image, mountProgram, user, options = []) {
  const engines = [mountProgram, '/usr/bin/fuse-overlayfs'].map(
    (program, i) => new Engine(join(folder, `debian-${user ? 'user' : 'root'}-${i}`), program, user),
  );
  const command = ['sh', '-c', 'head -1 /etc/os-release; rm /etc/debian_version; perl -e "print 6*7"; ls / | wc -l'];
  const copy = (engine) => {
    const args = ['copy', '-q', `oci:${join(image.folder, 'oci')}:debian`];
    if (user) engine.run('buildah', ['unshare', 'skopeo', ...args, 'containers-storage:localhost/debian']);
    else engine.run('skopeo', [...args, 'containers-storage:localhost/debian']);
  };
  try {
    copy(engines[0]);
    const ours = engines[0].podmanRun('localhost/debian', command, options);
    if (ours.status === 0) return /Debian[^]*42/.test(ours.stdout) ? [] : [ours.stdout];
    copy(engines[1]);
    const theirs = engines[1].podmanRun('localhost/debian', command, options);
    if (theirs.status !== 0) return { refused: `with fuse-overlayfs too: ${theirs.stderr.trim().slice(-300)}` };
    return [ours.stderr];
  } finally {
    for (const engine of engines) engine.remove();
  }
}

function main() {
  if (process.getuid() !== 0) throw new Error('npm run programs mounts the kernel’s overlayfs, which root alone may');
  setUpNpmPackages();
  setUpDebianPackages('test');
  setUpBuild();
  const [, fuse] = installHelpers(join(folder, 'prefix'));
  const fixtures = makeFixtures(folder);
  for (const workload of workloads) step(workload.name, () => compareWorkload(workload, fixtures, folder));
  for (const options of [['metacopy=on'], ['index=on', 'redirect_dir=on']])
    for (const workload of workloads)
      step(`${workload.name} (${options.join()})`, () => compareWorkload(workload, fixtures, folder, options));
  step('GNU hello: configure, make -j2, make install', () =>
    compareWorkload(buildSource(fetchSource('hello', join(folder, 'source'))), fixtures, folder),
  );
  step('npm ci', () => compareWorkload(npmCi(makeNpmProject(join(folder, 'npm'))), fixtures, folder));
  step('buildah and podman as root', () => compareEngines('root', fuse, null, ''));
  const user = rootlessUser();
  const [, rootlessFuse] = installHelpers(join(folder, 'user-prefix'), user.checkout);
  step('buildah and podman rootless', () => compareEngines('rootless', rootlessFuse, user, ''));
  const image = debianImage();
  if (!image) return console.log('no Debian image: LAMINA_DEBIAN_IMAGE names a folder of make-debian-image.sh');
  step('Debian image: apt-get installs and purges', () => installPackages(image, folder, ['bc', 'tree', 'hello']));
  step('Debian image: podman run as root', () => runDebian(image, fuse, null));
  const mapped = ['--uidmap', '0:5000:1000'];
  step('Debian image: podman run --uidmap as root', () => runDebian(image, fuse, null, mapped));
  step('Debian image: podman run rootless', () => runDebian(image, rootlessFuse, user));
}

try {
  main();
  console.log(`${results.passed} passed, ${results.failed} failed, ${results.refused} refused by the machine`);
  if (results.failed > 0) process.exitCode = 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  run('umount', ['-l', join(folder, 'checkout')], { mayFail: true });
  run('rm', ['-rf', '--one-file-system', folder], { mayFail: true });
}
