// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import type { RetryPolicy } from './retry';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** How a registry is spoken to, where files and environment do not say it or are not to. */
export interface RegistrySettings {
  /** Overrides `insecure` of registries.conf: true allows unknown certificates and plain http, false forbids both. */
  readonly insecure?: boolean;
  /** The only file in which credentials are looked for. */
  readonly authFile?: string;
  /** Used instead of those of any file. */
  readonly credentials?: Credentials;
  /** Where HOME, proxies, REGISTRY_AUTH_FILE and the like are read; that of the process by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The folder of the machine's settings, `/etc` by default. */
  readonly etc?: string;
  readonly retry?: Partial<RetryPolicy>;
  /** Milliseconds without an answer, or without a byte of one, after which a connection counts as broken. */
  readonly idleTimeout?: number;
  /** Bytes of one request of an upload; null (the default) sends a blob in one until that has failed. */
  readonly uploadChunk?: number | null;
}

/** What of the settings names places on this machine. */
export interface Places {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly etc: string;
}

export function placesOf({ environment = process.env, etc = '/etc' }: RegistrySettings): Places {
  return { environment, home: environment['HOME'] || '/', etc };
}

/** `$XDG_CONFIG_HOME`, or what stands for it. */
export function configHome({ environment, home }: Places): string {
  return environment['XDG_CONFIG_HOME'] || join(home, '.config');
}
