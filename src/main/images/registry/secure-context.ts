// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Failure } from '@shared/failure';
import { certificatesFor, type HostCertificates } from './certificates';
import type { Places } from './settings';

// Reading what a machine trusts, some 140 certificates, takes 70 ms in which no byte of any transfer moves on; nearly all
// hosts share it.
let shared: { readonly key: string; readonly context: SecureContext } | null = null;

/**
 * What a TLS connection to `HOST[:PORT]` trusts and shows.
 * @param insecure whether any certificate will do: then nothing is read of those that are trusted
 * @throws Failure that names the files which cannot be used
 */
export function secureContextFor(host: string, places: Places, insecure: boolean): SecureContext {
  const certificates = certificatesFor(host, places);
  if (insecure) return make(host, certificates, undefined);
  const { authorities, own } = certificates;
  if (own.length > 0) return make(host, certificates, authorities);
  const hash = createHash('sha256');
  for (const authority of authorities) hash.update(authority);
  const key = hash.digest('base64');
  if (shared?.key !== key) shared = { key, context: make(host, certificates, authorities) };
  return shared.context;
}

function make(host: string, { own, files }: HostCertificates, ca: readonly string[] | undefined): SecureContext {
  try {
    return createSecureContext({
      ...(ca ? { ca: [...ca] } : {}),
      cert: own.map(({ cert }) => cert),
      key: own.map(({ key }) => key),
    });
  } catch (error) {
    throw new Failure(
      'registry-certificate',
      `The certificates for ${host} cannot be used (${(error as Error).message}): ${files.join(', ')}.`,
      'Correct or take away these files; they must be PEM, and a key without a pass phrase.',
    );
  }
}
