// SPDX-License-Identifier: MIT
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bytesOf } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import { setXattr } from '../system/xattr';

/*
 * The stack that a new user finds: small layers that need no rights, so with `user.overlay.*` attributes. It shows a
 * whiteout, an opaque directory, a redirect, metacopy files with data-only data, and one redirect that a layer in the
 * middle captures (semantics 2.7).
 */

/** Raised when the layers change: an older sample is then made again. */
const EDITION = 1;

const manifest = (folder: string): void => {
  file(folder, 'usr/bin/lamina-demo', '#!/bin/sh\nexec cat /etc/motd\n', 0o755);
  file(folder, 'etc/motd', 'Welcome to the merged tree.\nThis file replaces the one in the base layer.\n');
  metacopy(folder, 'usr/lib/libdemo.so.1', OBJECTS.library, 0o755);
  metacopy(folder, 'usr/share/demo/words', OBJECTS.words, 0o644);
  metacopy(folder, 'usr/share/demo/config.json', OBJECTS.config, 0o644);
  // Below /opt the name in the base is another one: the directory was renamed.
  directory(folder, 'opt/editor', { redirect: '/opt/vim' });
  file(folder, 'opt/editor/notes.txt', 'Added after the directory was renamed from vim to editor.\n');
  whiteout(folder, 'opt', 'vim');
  directory(folder, 'var/cache', { opaque: 'y' });
  file(folder, 'var/cache/README', 'This directory is opaque: nothing below it shows through.\n');
  whiteout(folder, 'etc', 'issue.net');
  link(folder, 'usr/lib/libdemo.so', 'libdemo.so.1');
};

const tools = (folder: string): void => {
  file(folder, 'usr/bin/sysctl', '#!/bin/sh\necho sysctl\n', 0o755);
  file(folder, 'usr/bin/rmt', '#!/bin/sh\necho rmt\n', 0o755);
  file(folder, 'etc/tools.conf', 'color = auto\n');
  // The path that the manifest's redirect for config.json means in the data-only layer: captured here.
  file(
    folder,
    OBJECTS.config.path,
    '{ "who": "build-tools", "note": "a redirect meant for the objects ended here" }\n',
  );
};

const base = (folder: string): void => {
  file(folder, 'etc/motd', 'Debian GNU/Linux\n');
  file(folder, 'etc/issue.net', 'Debian GNU/Linux 12\n');
  file(folder, 'etc/hostname', 'sample\n');
  file(folder, 'etc/passwd', 'root:x:0:0:root:/root:/bin/bash\n');
  file(folder, 'usr/bin/rmt', '#!/bin/sh\necho older rmt\n', 0o755);
  file(folder, 'usr/bin/less', '#!/bin/sh\necho less\n', 0o755);
  file(folder, 'usr/share/doc/README', 'Documentation of the base layer.\n');
  file(folder, 'opt/vim/vimrc', 'set number\n');
  file(folder, 'opt/vim/colors/calm.vim', 'hi clear\n');
  file(folder, 'var/cache/stale.db', 'hidden by the opaque directory above\n');
  file(folder, 'var/log/dpkg.log', '2026-01-01 startup archives unpack\n');
  link(folder, 'usr/bin/pager', 'less');
};

interface DataObject {
  readonly path: string;
  readonly content: string;
}

const OBJECTS: Readonly<Record<'library' | 'words' | 'config', DataObject>> = {
  library: {
    path: '1e/de1743e7fc20d',
    content: `\x7fELF\x02\x01\x01\0${'\0'.repeat(8)}\x03\0>\0\x01\0\0\0sample library\n`,
  },
  words: { path: '7a/90c2b1d44e818', content: 'overlay\nlowerdir\nupperdir\nwhiteout\nopaque\nredirect\nmetacopy\n' },
  config: { path: 'c4/55f0aa12be3d7', content: '{ "who": "objects", "note": "the data that was meant" }\n' },
};

const objects = (folder: string): void => {
  for (const { path, content } of Object.values(OBJECTS)) file(folder, path, content);
};

const LAYERS = { 'app-manifest': manifest, 'build-tools': tools, 'debian-base': base, objects } as const;

/**
 * Makes the sample layers below `dataFolder` unless they are there, and returns the composition that stacks them. A
 * half-made sample (a crash, a full disk) is made again.
 */
export function ensureSample(dataFolder: string): Composition {
  const folder = join(dataFolder, `sample-${EDITION}`);
  if (!existsSync(folder)) {
    const building = `${folder}.new`;
    rmSync(building, { recursive: true, force: true });
    for (const [name, make] of Object.entries(LAYERS)) {
      mkdirSync(join(building, name), { recursive: true });
      make(join(building, name));
    }
    renameSync(building, folder);
  }
  const entry = (name: keyof typeof LAYERS): { id: string; path: string } => ({
    id: name,
    path: bytesOf(join(folder, name)),
  });
  return {
    id: 'sample',
    name: 'Sample',
    upper: null,
    lowers: [entry('app-manifest'), entry('build-tools'), entry('debian-base')],
    data: [entry('objects')],
    options: SAMPLE_OPTIONS,
    mountpoint: null,
  };
}

/** What lets Lamina follow the sample without root. The kernel refuses the two together, and the window says so. */
const SAMPLE_OPTIONS = { userxattr: true, metacopy: 'on' } as const;

function file(folder: string, name: string, content: string, mode = 0o644): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, 'latin1');
  chmodSync(path, mode);
}

const mark = (path: string, name: string, value: string): void =>
  setXattr(bytesOf(path), `user.overlay.${name}`, value);

/** Metadata of full size and no data; the data are in the objects, under the redirect. */
function metacopy(folder: string, name: string, { path, content }: DataObject, mode: number): void {
  file(folder, name, '\0'.repeat(content.length), mode);
  mark(join(folder, name), 'metacopy', '');
  mark(join(folder, name), 'redirect', `/${path}`);
}

function directory(folder: string, name: string, marks: Readonly<Record<string, string>>): void {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [key, value] of Object.entries(marks)) mark(path, key, value);
}

/** Char 0:0 needs rights that a user does not have: the attribute form, in a directory marked for it. */
function whiteout(folder: string, parent: string, name: string): void {
  file(folder, join(parent, name), '');
  mark(join(folder, parent, name), 'whiteout', '');
  mark(join(folder, parent), 'opaque', 'x');
}

function link(folder: string, name: string, target: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  symlinkSync(target, join(folder, name));
}
