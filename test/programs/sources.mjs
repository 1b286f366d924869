// SPDX-License-Identifier: MIT
// Programs that bring their own trees along from outside: a real source tree to build, npm packages to install.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, run } from './run-program.mjs';

/** Fetches the source of a Debian package by apt-get, with a list of sources of its own. Returns the unpacked tree. */
export function fetchSource(name, folder) {
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  // The mirror that apt uses on this machine.
  const uris = outputOf('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE)']).split('\n');
  const [mirror, release] = uris.find((uri) => uri !== '' && !uri.includes('security')).split(' ');
  writeFileSync(join(folder, 'sources.list'), `deb-src ${mirror} ${release} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(folder, 'lists')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', ['-q', ...options, 'update'], { cwd: folder });
  run('apt-get', ['-q', ...options, '--download-only', 'source', name], { cwd: folder });
  const archive = readdirSync(folder).find((file) => /\.orig\.tar\.[a-z0-9]+$/.test(file));
  mkdirSync(join(folder, name));
  run('tar', ['-x', '-C', join(folder, name), '--strip-components=1', '--no-same-owner', '-f', join(folder, archive)]);
  return join(folder, name);
}

/** configure, make -j2, make install of a real source tree. */
export const buildSource = (source) => ({
  name: 'configure and make -j2 of a real source tree (GNU hello), make install',
  // Logs of configure tell times and process ids, makefiles where they are.
  masked: (path) => /config\.(log|status)$|(^|\/)Makefile(\.in)?$/.test(path),
  work(at) {
    const tree = join(at, 'hello');
    run('cp', ['-a', source, tree]);
    const env = { FORCE_UNSAFE_CONFIGURE: '1', CFLAGS: `-O1 -g0 -ffile-prefix-map=${tree}=.` };
    run('./configure', ['--quiet', '--prefix=/usr', '--disable-nls'], { cwd: tree, env });
    run('make', ['-s', '-j2'], { cwd: tree, env });
    run('make', ['-s', 'install', `DESTDIR=${join(at, 'installed')}`], { cwd: tree, env });
    return [outputOf(join(at, 'installed/usr/bin/hello'), [])];
  },
});

/** Makes a project with a lock file, once, for `npm ci` on both. */
export function makeNpmProject(folder) {
  mkdirSync(folder);
  const dependencies = { valibot: '1.5.0', prettier: '3.10.1', koffi: '3.3.4' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'checked', version: '1.0.0', dependencies }));
  run('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: folder });
  return folder;
}

export const npmCi = (project) => ({
  name: 'npm ci, and a package that runs from there',
  work(at) {
    const tree = join(at, 'npm');
    run('cp', ['-a', project, tree]);
    run('npm', ['ci', '--no-audit', '--no-fund', '--cache', join(project, '..', 'npm-cache')], { cwd: tree });
    run('npm', ['ci', '--no-audit', '--no-fund', '--cache', join(project, '..', 'npm-cache')], { cwd: tree });
    const version = outputOf('node', ['node_modules/prettier/bin/prettier.cjs', '--version'], { cwd: tree });
    return [version, readFileSync(join(tree, 'node_modules/.package-lock.json'), 'utf8')];
  },
});
