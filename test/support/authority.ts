// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './registry';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of the test's own, made by openssl, and what it signs. */
export class Authority {
  readonly cert: string;
  readonly #key: string;

  private constructor(private readonly folder: string) {
    this.cert = join(folder, 'ca.crt');
    this.#key = join(folder, 'ca.key');
  }

  static async make(folder: string): Promise<Authority> {
    mkdirSync(folder, { recursive: true });
    const made = new Authority(folder);
    const self = ['-x509', '-days', '2', '-subj', '/CN=Test authority', '-keyout', made.#key, '-out', made.cert];
    await run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...self);
    return made;
  }

  /** @param names of the subject, as openssl writes them: `IP:127.0.0.1`, `DNS:localhost` */
  async sign(file: string, names: string): Promise<Certificate> {
    const path = (end: string): string => join(this.folder, `${file}.${end}`);
    const request = ['-subj', `/CN=${file}`, '-keyout', path('key'), '-out', path('csr')];
    await run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...request);
    writeFileSync(path('ext'), `subjectAltName=${names}\n`);
    const by = ['-CA', this.cert, '-CAkey', this.#key, '-CAcreateserial', '-days', '2', '-extfile', path('ext')];
    await run('openssl', 'x509', '-req', '-in', path('csr'), '-out', path('cert'), ...by);
    return { cert: path('cert'), key: path('key') };
  }
}
