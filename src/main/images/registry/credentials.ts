// SPDX-License-Identifier: MIT
import { authFilePaths, readAuthFile, type AuthEntry, type AuthFile } from './auth-files';
import { helperNames, matchingKey } from './auth-keys';
import { askHelper } from './credential-helper';
import { placesOf, type Credentials, type RegistrySettings } from './settings';

/** What proves to a registry, or to its token server, who asks. */
export interface Proof {
  readonly basic: Credentials | null;
  /** Exchanged for an access token by OAuth 2. */
  readonly identityToken: string | null;
  /** An access token as it stands. */
  readonly registryToken: string | null;
}

export interface FoundCredentials {
  /** Null: ask as nobody. */
  readonly proof: Proof | null;
  /** Where it was found: a file and its key, a helper. For messages. */
  readonly origin: string;
  /** What was looked at until then. */
  readonly looked: readonly string[];
}

const NOTHING: Proof = { basic: null, identityToken: null, registryToken: null };

/**
 * Looks for credentials of a repository, file after file; in each first its helper for the host, then its entries, then
 * its helper for all hosts.
 * @param defaults helpers of registries.conf (`credential-helpers`), asked in their order; `containers-auth.json` is the files
 * @throws Failure of a file that cannot be read and of a helper that fails: to go on as nobody would hide it
 */
export async function findCredentials(
  host: string,
  repository: string,
  settings: RegistrySettings,
  signal: AbortSignal,
  defaults: readonly string[] = [],
): Promise<FoundCredentials> {
  if (settings.credentials) {
    return { proof: { ...NOTHING, basic: settings.credentials }, origin: 'the credentials given', looked: [] };
  }
  const { environment } = placesOf(settings);
  const looked: string[] = [];
  const ask = async (helper: string): Promise<FoundCredentials | null> => {
    looked.push(`docker-credential-${helper}`);
    for (const server of helperNames(host)) {
      const answer = await askHelper(helper, server, environment, signal);
      if (answer) return { proof: fromHelper(answer), origin: `docker-credential-${helper}`, looked };
    }
    return null;
  };
  const inFiles = async (): Promise<FoundCredentials | null> => {
    for (const { path, legacy } of authFilePaths(settings)) {
      const file = readAuthFile(path, legacy);
      looked.push(file ? path : `${path} (not there)`);
      if (!file) continue;
      const helper = helperNames(host).flatMap((name) => file.helpers.get(name) ?? [])[0];
      if (helper !== undefined) return ask(helper);
      const own = fromEntries(file, host, repository);
      if (own) return { proof: own.proof, origin: `${path}, "${own.key}"`, looked };
      const stored = file.store === null ? null : await ask(file.store);
      if (stored) return stored;
    }
    return null;
  };
  for (const helper of defaults.length > 0 ? defaults : ['containers-auth.json']) {
    const found = await (helper === 'containers-auth.json' ? inFiles() : ask(helper));
    if (found) return found;
  }
  return { proof: null, origin: 'no credentials', looked };
}

function fromEntries(file: AuthFile, host: string, repository: string): { key: string; proof: Proof } | null {
  // An entry without credentials is the mark that a helper has them.
  const full = [...file.auths].flatMap(([key, entry]) => {
    const proof = fromEntry(entry);
    return proof ? [[key, proof] as const] : [];
  });
  const proofs = new Map(full);
  const key = matchingKey(proofs.keys(), host, repository, file.legacy);
  const proof = key === null ? undefined : proofs.get(key);
  return key !== null && proof ? { key, proof } : null;
}

/** Null of an entry that says nothing, or whose `auth` is no `USER:PASSWORD`: docker skips these too. */
function fromEntry({ auth, username, password, identitytoken, registrytoken }: AuthEntry): Proof | null {
  const decoded = auth ? Buffer.from(auth, 'base64').toString('utf8') : '';
  const colon = decoded.indexOf(':');
  const [user, word] =
    colon < 0 ? [username ?? '', password ?? ''] : [decoded.slice(0, colon), decoded.slice(colon + 1)];
  // Docker once padded passwords with NUL.
  const secret = word.replace(/\0+$/, '');
  const proof: Proof = {
    basic: user !== '' && secret !== '' ? { username: user, password: secret } : null,
    identityToken: identitytoken || null,
    registryToken: registrytoken || null,
  };
  return proof.basic || proof.identityToken || proof.registryToken ? proof : null;
}

function fromHelper({ username, secret }: { username: string; secret: string }): Proof {
  if (username === '<token>') return { ...NOTHING, identityToken: secret };
  return { ...NOTHING, basic: { username, password: secret } };
}
