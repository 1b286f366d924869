// SPDX-License-Identifier: MIT

export const HELP = `lamina: compose, browse, mount and explain stacks of overlay layers

  lamina mount -o OPTIONS MOUNTPOINT     mount (FUSE), writable with an upper; returns
                                         when it is up
         [-f] [--transport direct|fuse-native] [--json]
  lamina umount [--lazy] MOUNTPOINT
  lamina mounts [--json]                 the live mounts of this user
  lamina ls -o OPTIONS [PATH]            a directory of the merged tree
         [--hidden] [--json]
  lamina explain -o OPTIONS PATH         why a path is what it is, or is not there
         [--json]
  lamina diff -o OPTIONS | MOUNTPOINT    what the upper changes of the lowers
         [--json]
  lamina discard -o OPTIONS | MOUNTPOINT PATH... | --all
         [--dry-run] [--yes] [--json]    undo changes: the lowers show again
  lamina volatile -o OPTIONS             whether a volatile mount has left its marker
         [--accept | --discard] [--yes] [--json]
  lamina command -o OPTIONS [--form FORM] [MOUNTPOINT]
         [--json]                        the command for sh, or the line or unit to save
  lamina image COMMAND ...               container images: import, ls, export, push, commit, ...
                                         (lamina image help)
  lamina help
  lamina version [--json]

OPTIONS is the option text of mount(8): lowerdir=A:B::C,upperdir=U,workdir=W,metacopy=on,...
With whiteouts=oci the .wh. files of image layers are whiteouts too (mount, ls, explain).
PATH is one of the merged tree; symbolic links are shown, not followed.
diff: A added, M modified, m metadata only, D deleted, R renamed, O opaque (a directory replaced),
W a whiteout over nothing. MOUNTPOINT is that of a live mount of Lamina's.
discard and volatile --discard say what goes, and take it away only with --yes.
FORM is one of mount (the default), fsconfig, fstab, systemd, unshare, fuse-overlayfs,
lamina.
Exit status: 0 done, 1 failed, 2 wrong usage.`;
