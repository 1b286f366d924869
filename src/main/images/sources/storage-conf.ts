// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { parse } from 'smol-toml';
import * as v from 'valibot';
import { bytesOf, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { outerUid } from '../../system/privilege';
import type { StorePlace } from '../references';

/** Where containers/storage keeps what a user has (containers-storage.conf(5)). */
export interface StorageRoots {
  readonly driver: string;
  readonly root: ByteString;
  readonly runRoot: ByteString;
  /** Further stores, which are only read: `additionalimagestores`. */
  readonly additional: readonly ByteString[];
}

/** Who asks, and with which environment: rootless stores are elsewhere. */
export interface StorageUser {
  readonly uid: number;
  readonly environment: NodeJS.ProcessEnv;
  /** Of the system's files, for tests. */
  readonly etc?: string;
  readonly share?: string;
}

const text = v.optional(v.string());
const schema = v.looseObject({
  storage: v.optional(
    v.looseObject({
      driver: text,
      graphroot: text,
      runroot: text,
      rootless_storage_path: text,
      options: v.optional(v.looseObject({ additionalimagestores: v.optional(v.array(v.string()), []) })),
    }),
  ),
});
type Conf = v.InferOutput<typeof schema>['storage'];

/** The stores of a user: those that a reference names, else those of storage.conf. Throws a Failure for a broken file. */
export function storageRoots(user: StorageUser, place: StorePlace | null = null): StorageRoots {
  const { uid, environment } = user;
  const home = environment['HOME'] ?? homedir();
  const conf = readConf(user, home);
  const expand = (path: string): ByteString =>
    bytesOf(path.replace(/\$(\w+)|\$\{(\w+)\}/g, (_, a?: string, b?: string) => variable(a ?? b!, user, home)));
  const data = environment['XDG_DATA_HOME'] || `${home}/.local/share`;
  const run = environment['XDG_RUNTIME_DIR'] || `/run/user/${uid}`;
  const own = uid === 0 ? '/var/lib/containers/storage' : `${data}/containers/storage`;
  // A system's file speaks of root's store; a user's own of the user's.
  const graph = conf.isUsers || uid === 0 ? conf.storage?.graphroot : conf.storage?.rootless_storage_path;
  const ownRun = uid === 0 ? '/run/containers/storage' : `${run}/containers`;
  const runRoot = conf.isUsers || uid === 0 ? conf.storage?.runroot : undefined;
  return {
    driver: place?.driver ?? environment['STORAGE_DRIVER'] ?? (conf.storage?.driver || 'overlay'),
    root: place?.root ?? expand(graph || own),
    runRoot: place?.runRoot ?? expand(runRoot || ownRun),
    additional: (conf.storage?.options?.additionalimagestores ?? []).map(expand),
  };
}

function variable(name: string, { uid, environment }: StorageUser, home: string): string {
  if (name === 'HOME') return home;
  return name === 'UID' ? String(uid) : (environment[name] ?? '');
}

/** The file that counts: the one of the environment, the user's own, the administrator's, the distribution's. */
function readConf(
  { uid, environment, etc = '/etc', share = '/usr/share' }: StorageUser,
  home: string,
): { storage: Conf; isUsers: boolean } {
  const chosen = environment['CONTAINERS_STORAGE_CONF'];
  const own = `${environment['XDG_CONFIG_HOME'] || `${home}/.config`}/containers/storage.conf`;
  const candidates: [string, boolean][] = [
    ...(chosen ? [[chosen, true] as [string, boolean]] : []),
    ...(uid === 0 ? [] : [[own, true] as [string, boolean]]),
    [`${etc}/containers/storage.conf`, false],
    [`${share}/containers/storage.conf`, false],
  ];
  for (const [path, isUsers] of candidates) {
    const content = readIfThere(path);
    if (content !== null) return { storage: parseConf(content, path), isUsers };
  }
  return { storage: undefined, isUsers: false };
}

function parseConf(content: string, path: string): Conf {
  try {
    return v.parse(schema, parse(content)).storage;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new Failure(
      'invalid-config',
      `${path} cannot be read: ${reason}.`,
      'Correct the file: man containers-storage.conf.',
    );
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The user that this process runs as: root of a user namespace is the user who made it. */
export const thisUser = (): StorageUser => ({ uid: outerUid(), environment: process.env });
