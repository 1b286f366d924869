// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { Failure } from '@shared/failure';
import { configHome, type Places } from './settings';

/** What a TLS connection to one host trusts and shows. */
export interface HostCertificates {
  /** PEM; bundles of the machine and what certs.d adds. */
  readonly authorities: readonly string[];
  /** Certificates of our own, each with its key. */
  readonly own: readonly { readonly cert: string; readonly key: string }[];
  /** Files of certs.d that were read, for messages. */
  readonly files: readonly string[];
}

// Where distributions keep the bundle of what the machine trusts; the first that is there counts, as for Go's programs.
const BUNDLES = ['ssl/certs/ca-certificates.crt', 'pki/tls/certs/ca-bundle.crt', 'ssl/ca-bundle.pem', 'ssl/cert.pem'];

/** The folders of a host's certificates in the order in which they are read (containers-certs.d(5)). */
export function certificateFolders(host: string, places: Places): string[] {
  const bases = [
    join(configHome(places), 'containers/certs.d'),
    join(places.etc, 'containers/certs.d'),
    join(places.etc, 'docker/certs.d'),
  ];
  return bases.map((base) => join(base, host));
}

/**
 * Certificates for `HOST[:PORT]`: of the first folder that is there, `*.crt` are authorities, and `NAME.cert` with
 * `NAME.key` what we show.
 * @throws Failure that names the file: to connect without it would fail with a stranger reason
 */
export function certificatesFor(host: string, places: Places): HostCertificates {
  const machine = machineAuthorities(places);
  for (const folder of certificateFolders(host, places)) {
    const names = list(folder);
    if (!names) continue;
    const path = (name: string): string => join(folder, name);
    const authorities = names.filter((name) => name.endsWith('.crt')).map(path);
    const certs = names.filter((name) => name.endsWith('.cert'));
    const own = certs.map((name) => {
      const key = name.replace(/cert$/, 'key');
      if (names.includes(key)) return { cert: path(name), key: path(key) };
      throw new Failure('registry-certificate', `${path(name)} has no key beside it.`, `Put ${key} there too.`);
    });
    return {
      authorities: [...machine, ...authorities.map(read)],
      own: own.map(({ cert, key }) => ({ cert: read(cert), key: read(key) })),
      files: [...authorities, ...own.flatMap(({ cert, key }) => [cert, key])],
    };
  }
  return { authorities: machine, own: [], files: [] };
}

function machineAuthorities({ environment, etc }: Places): readonly string[] {
  const named = environment['SSL_CERT_FILE'];
  for (const path of named ? [named] : BUNDLES.map((bundle) => join(etc, bundle))) {
    try {
      return [readFileSync(path, 'utf8')];
    } catch {
      // The next one; what is left at the end is Node's own list.
    }
  }
  return rootCertificates;
}

function list(folder: string): string[] | null {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    // A folder of root's is not for us, and containers passes it by too.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return null;
    throw new Failure(code, `${folder} cannot be read (${code}).`, 'Make it readable, or take it away.');
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    throw new Failure(code, `${path} cannot be read (${code}).`, 'Make it readable to you, or take it away.');
  }
}
