// SPDX-License-Identifier: MIT
// podman and buildah with a store of their own, mounting by a mount program or, without one, by the kernel.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run-program.mjs';

/** What the CI machine needs: runc (crun cannot set its cgroups up there), and limits that may be set without CAP_SYS_RESOURCE. */
const CONTAINERS_CONF = `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`;

const LAYERS_SCRIPT = `
c=$(buildah from scratch); m=$(buildah mount "$c")
mkdir -p "$m/bin" "$m/etc/deep" "$m/dir/sub" "$m/gone/deep" "$m/file-to-dir.d"
cp "$1" "$m/bin/busybox"
for name in sh cat ls rm mkdir mv ln id find sort chmod sha1sum; do ln -s busybox "$m/bin/$name"; done
for name in one two three; do echo "$name" >"$m/etc/$name"; done
echo old >"$m/dir/sub/old"; echo x >"$m/gone/deep/x"; echo file >"$m/becomes-dir"; echo y >"$m/file-to-dir.d/y"
echo hard >"$m/etc/hard"; ln "$m/etc/hard" "$m/etc/deep/hard-2"
chown 5:6 "$m/etc/two"; chmod 4755 "$m/etc/three"
buildah umount "$c" >/dev/null; buildah commit -q "$c" one >/dev/null; buildah rm "$c" >/dev/null

c=$(buildah from one); m=$(buildah mount "$c")
rm "$m/etc/one"; rm -r "$m/gone" "$m/dir" "$m/file-to-dir.d"; mkdir "$m/dir"; echo new >"$m/dir/new"
mv "$m/etc/two" "$m/etc/moved"; rm "$m/becomes-dir"; mkdir "$m/becomes-dir"; echo in >"$m/becomes-dir/in"
echo now-a-file >"$m/file-to-dir.d"; echo more >>"$m/etc/deep/hard-2"
buildah umount "$c" >/dev/null; buildah commit -q "$c" two >/dev/null; buildah rm "$c" >/dev/null

c=$(buildah from two)
buildah run --network none $2 "$c" -- /bin/sh -c 'rm /dir/new && mkdir /dir/again && echo 3 >/dir/again/3 && rm -r /becomes-dir &&
  mkdir /becomes-dir && echo run >/becomes-dir/by-run && chmod 600 /etc/moved && echo h >/etc/new-1 && ln /etc/new-1 /etc/new-2'
buildah commit -q "$c" three >/dev/null; buildah rm "$c" >/dev/null
`;

const LIST_SCRIPT = `
c=$(buildah from "$1"); m=$(buildah mount "$c"); cd "$m"
findmnt -n -o FSTYPE "$m"
find . -mindepth 1 \\( -path ./dev -o -path ./proc -o -path ./sys -o -path ./run \\) -prune -o \\
  \\( -type d -printf '%P %y %m %U:%G\\n' -o -printf '%P %y %m %U:%G %s %n %l\\n' \\) | LC_ALL=C sort
find . -type f -exec sha1sum {} + | LC_ALL=C sort
cd /; buildah umount "$c" >/dev/null; buildah rm "$c" >/dev/null
`;

/** A store with what runs on it. */
export class Engine {
  /**
   * @param folder        where the store, the configuration and the runtime files are
   * @param mountProgram  null for the kernel's overlayfs
   * @param user          { name, uid, gid } for rootless, null for root
   */
  constructor(folder, mountProgram, user = null) {
    this.folder = folder;
    this.user = user;
    for (const name of ['', 'home', 'runtime', 'tmp']) this.makeFolder(join(folder, name));
    const program = mountProgram === null ? '' : `[storage.options.overlay]\nmount_program = "${mountProgram}"\n`;
    const [root, runroot] = [join(folder, 'root'), join(folder, 'run')];
    writeFileSync(
      join(folder, 'storage.conf'),
      `[storage]\ndriver = "overlay"\ngraphroot = "${root}"\nrootless_storage_path = "${root}"\nrunroot = "${runroot}"\n${program}`,
    );
    writeFileSync(join(folder, 'containers.conf'), CONTAINERS_CONF);
  }

  makeFolder(path) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o700);
    if (this.user) chownSync(path, this.user.uid, this.user.gid);
  }

  environment() {
    return {
      HOME: join(this.folder, 'home'),
      XDG_RUNTIME_DIR: join(this.folder, 'runtime'),
      TMPDIR: join(this.folder, 'tmp'),
      CONTAINERS_STORAGE_CONF: join(this.folder, 'storage.conf'),
      CONTAINERS_CONF: join(this.folder, 'containers.conf'),
      ...(this.user ? { USER: this.user.name, LOGNAME: this.user.name } : {}),
    };
  }

  /** Runs a program as the engine's user, with its configuration. */
  run(program, args, options = {}) {
    const { uid, gid } = this.user ?? {};
    const command = this.user
      ? ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', program, ...args]
      : [program, ...args];
    const env = { ...this.environment(), ...options.env };
    return run(command[0], command.slice(1), { cwd: this.folder, ...options, env });
  }

  /** Runs a script in which the engine's mounts are seen: rootless in its user namespace. */
  script(text, ...args) {
    const shell = ['-euc', text, 'sh', ...args];
    return this.user ? this.run('buildah', ['unshare', 'sh', ...shell]) : this.run('sh', shell);
  }

  /** Builds the images one, two and three: from scratch, by commands on the mount, by a command in a container. */
  buildLayers(busybox, isolation = '') {
    this.script(LAYERS_SCRIPT, busybox, isolation);
  }

  /** What a new container of an image shows: the type of its file system, then its tree. */
  listImage(image) {
    const [type, ...lines] = this.script(LIST_SCRIPT, image).stdout.trim().split('\n');
    return { type, lines };
  }

  podmanRun(image, command, options = []) {
    return this.run('podman', ['run', '--rm', '--network', 'none', ...options, image, ...command], { mayFail: true });
  }

  /** Ends what was left mounted, and removes the store. */
  remove() {
    const script = 'buildah rm -a; podman rm -fa; podman system migrate';
    if (this.user) this.run('buildah', ['unshare', 'sh', '-c', script], { mayFail: true });
    else this.run('sh', ['-c', 'buildah rm -a; podman rm -fa'], { mayFail: true });
    run('umount', ['-l', join(this.folder, 'root/overlay')], { mayFail: true });
    run('rm', ['-rf', '--one-file-system', this.folder], { mayFail: true });
  }
}
