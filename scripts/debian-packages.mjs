// SPDX-License-Identifier: MIT
// The Debian packages that Lamina stands on: the one list.

/**
 * `needs`: the commands that need it; `start` is the app, `test` the checks on top of it.
 * `display`: false where it is needed only on a machine without a display.
 * `required`: false where everything but a part of the app works without it.
 */
export const debianPackages = [
  // A display for machines without one.
  { name: 'xvfb', needs: ['start', 'test'], required: true, display: false },
  { name: 'xauth', needs: ['start', 'test'], required: true, display: false },
  // What Electron's binary links.
  { name: 'libgtk-3-0', needs: ['start', 'test'], required: true },
  { name: 'libnss3', needs: ['start', 'test'], required: true },
  { name: 'libasound2', needs: ['start', 'test'], required: true },
  { name: 'libgbm1', needs: ['start', 'test'], required: true },
  { name: 'libxss1', needs: ['start', 'test'], required: true },
  { name: 'libxtst6', needs: ['start', 'test'], required: true },
  { name: 'libatk-bridge2.0-0', needs: ['start', 'test'], required: true },
  { name: 'libdrm2', needs: ['start', 'test'], required: true },
  // fusermount3, by which an ordinary user mounts.
  { name: 'fuse3', needs: ['start', 'test'], required: false },
  // getfattr and setfattr: what the tests compare ours with.
  { name: 'attr', needs: ['test'], required: true },
  // The other user-space overlay, for comparison.
  { name: 'fuse-overlayfs', needs: ['test'], required: false },
  { name: 'strace', needs: ['test'], required: false },
  // A file system with quotas that hold for root too.
  { name: 'btrfs-progs', needs: ['test'], required: false },
  // The programs that are run on mounts, and the container engines that mount by lamina-fuse.
  ...[
    ['acl', 'rsync', 'git', 'make', 'gcc', 'libc6-dev', 'sqlite3', 'busybox-static'],
    ['buildah', 'podman', 'runc', 'skopeo', 'umoci', 'uidmap'],
    // The registry that images are pulled from and pushed to, and the certificates that it shows.
    ['docker-registry', 'openssl'],
    // Engines whose stores are read in place.
    ['containerd', 'docker.io'],
    // Makers of tars.
    ['libarchive-tools', 'python3', 'zstd'],
  ]
    .flat()
    .map((name) => ({ name, needs: ['test'], required: false })),
];
