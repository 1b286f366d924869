// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates, type SecureContext } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secureContextFor } from '../../../src/main/images/registry/secure-context';
import { placesOf } from '../../../src/main/images/registry/settings';
import { makeScratch, removeScratch } from '../../support/scratch';

let folder: string;
beforeAll(() => (folder = makeScratch('tmpfs')));
afterAll(() => removeScratch(folder));

/** The context for a host on a machine that trusts what `bundle` holds. */
function contextFor(host: string, bundle: string, insecure = false): SecureContext {
  const file = join(folder, 'bundle.crt');
  writeFileSync(file, bundle);
  const places = placesOf({ environment: { HOME: folder, SSL_CERT_FILE: file }, etc: join(folder, 'etc') });
  return secureContextFor(host, places, insecure);
}

const [first, second, third] = rootCertificates as [string, string, string];

test("hosts without certificates of their own share one reading of the machine's, until those change", () => {
  const shared = contextFor('a.test', first);
  expect(contextFor('b.test:5000', first)).toBe(shared);
  expect(contextFor('b.test:5000', `${first}\n${second}`)).not.toBe(shared);
  const certsOf = join(folder, 'etc/containers/certs.d/own.test');
  mkdirSync(certsOf, { recursive: true });
  writeFileSync(join(certsOf, 'ca.crt'), third);
  const whole = contextFor('a.test', first);
  expect(contextFor('own.test', first)).not.toBe(whole);
});

test('a file that holds no certificate is named', () => {
  const broken = first.replaceAll('M', '!');
  expect(() => contextFor('a.test', broken)).toThrow(`${folder}/bundle.crt holds no certificate`);
});

test('an insecure registry has a context of its own', () => {
  expect(contextFor('a.test', first, true)).not.toBe(contextFor('a.test', first));
});
