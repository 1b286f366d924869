// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@shared/failure';
import * as v from 'valibot';
import { plain } from './plain-text';
import { configHome, placesOf, type RegistrySettings } from './settings';

const entry = v.looseObject({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  identitytoken: v.optional(v.string()),
  registrytoken: v.optional(v.string()),
});

/** What is known of one registry or namespace in an auth file. */
export type AuthEntry = v.InferOutput<typeof entry>;

const schema = v.looseObject({
  auths: v.optional(v.nullable(v.record(v.string(), entry))),
  credHelpers: v.optional(v.nullable(v.record(v.string(), v.string()))),
  credsStore: v.optional(v.nullable(v.string())),
});

export interface AuthFile {
  readonly path: string;
  readonly auths: ReadonlyMap<string, AuthEntry>;
  /** Of a registry's host the helper that keeps its credentials. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for all other registries. */
  readonly store: string | null;
  /** Whether it is `~/.dockercfg`, whose keys are addresses of an API and never namespaces. */
  readonly legacy: boolean;
}

/**
 * The files in which credentials are looked for, in this order (containers-auth.json(5)). One that is named by the
 * settings or by REGISTRY_AUTH_FILE is the only one, as for skopeo and podman.
 */
export function authFilePaths(settings: RegistrySettings): { path: string; legacy: boolean; named: boolean }[] {
  const places = placesOf(settings);
  const { environment, home } = places;
  const named = settings.authFile ?? environment['REGISTRY_AUTH_FILE'];
  if (named) return [{ path: named, legacy: false, named: true }];
  const runtime = environment['XDG_RUNTIME_DIR'];
  const paths = [
    runtime ? join(runtime, 'containers/auth.json') : `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
    join(configHome(places), 'containers/auth.json'),
    join(environment['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
  ];
  return [
    ...paths.map((path) => ({ path, legacy: false, named: false })),
    { path: join(home, '.dockercfg'), legacy: true, named: false },
  ];
}

/**
 * Reads an auth file; null where there is none.
 * @throws Failure of a file that cannot be read or understood, with nothing of its content in it
 */
export function readAuthFile(path: string, legacy: boolean): AuthFile | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new Failure(code, `${path}: its credentials cannot be read (${code}).`, 'Make the file readable to you.');
  }
  if (text.trim() === '') return { path, auths: new Map(), helpers: new Map(), store: null, legacy };
  try {
    const json: unknown = JSON.parse(text);
    // An array is an object to the schema.
    if (Array.isArray(json)) throw new TypeError('an array');
    const parsed = v.parse(schema, legacy ? { auths: json } : json);
    return {
      path,
      auths: new Map(Object.entries(parsed.auths ?? {})),
      helpers: new Map(Object.entries(parsed.credHelpers ?? {})),
      store: parsed.credsStore || null,
      legacy,
    };
  } catch (error) {
    // Of a syntax error the text would quote the file, and with it a password.
    const where = v.isValiError(error) ? `: ${plain(v.getDotPath(error.issues[0]) ?? 'its top')}` : '';
    throw new Failure(
      'auth-file',
      `${path} is not an auth file as containers-auth.json(5) has them${where}.`,
      'Correct it, or move it away and log in again with podman, skopeo or docker.',
    );
  }
}
