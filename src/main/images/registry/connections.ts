// SPDX-License-Identifier: MIT
import { BlockList, isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Failure } from '@shared/failure';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { certificatesFor } from './certificates';
import { placesOf, type Places, type RegistrySettings } from './settings';

/** Milliseconds for a connection to come about. */
const CONNECT_TIMEOUT = 30_000;
const IDLE_TIMEOUT = 60_000;
/** Bytes of an answer's headers: twice Node's own, as addresses that storage signs are long. */
const MOST_HEADERS = 32 * 1024;

/** The connections of one transfer, kept open between requests; each host has certificates and a proxy of its own. */
export class Connections {
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #places: Places;
  readonly #idle: number;

  constructor(settings: RegistrySettings) {
    this.#places = placesOf(settings);
    this.#idle = settings.idleTimeout ?? IDLE_TIMEOUT;
  }

  /** @param insecure whether any certificate will do */
  dispatcher(url: URL, insecure: boolean): Dispatcher {
    const key = `${insecure} ${url.origin}`;
    const known = this.#dispatchers.get(key);
    if (known) return known;
    const dispatcher = this.#make(url, insecure);
    this.#dispatchers.set(key, dispatcher);
    return dispatcher;
  }

  async close(): Promise<void> {
    const open = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(open.map((dispatcher) => dispatcher.destroy()));
  }

  #make(url: URL, insecure: boolean): Dispatcher {
    const tls = url.protocol === 'https:' ? this.#tls(url.host, insecure) : {};
    const connect = { ...tls, timeout: Math.min(CONNECT_TIMEOUT, this.#idle) };
    const timeouts = { headersTimeout: this.#idle, bodyTimeout: this.#idle, maxHeaderSize: MOST_HEADERS };
    const { environment } = this.#places;
    const word = (name: string): string => environment[name.toLowerCase()] || environment[name.toUpperCase()] || '';
    const noProxy = word('no_proxy');
    if (isDirect(url.hostname, noProxy)) return new Agent({ ...timeouts, connect });
    const proxy = word(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy');
    if (proxy === '') return new Agent({ ...timeouts, connect });
    // One dispatcher is for one host, so that the other of the two is never asked for.
    const proxies = { httpProxy: proxy, httpsProxy: proxy, noProxy };
    const proxyTls = proxy.startsWith('https:') ? this.#tls(new URL(proxy).host, false) : {};
    return new EnvHttpProxyAgent({ ...timeouts, ...proxies, connect, requestTls: connect, proxyTls });
  }

  #tls(host: string, insecure: boolean): { secureContext: SecureContext; rejectUnauthorized: boolean } {
    const { authorities, own, files } = certificatesFor(host, this.#places);
    try {
      const secureContext = createSecureContext({
        ca: [...authorities],
        cert: own.map(({ cert }) => cert),
        key: own.map(({ key }) => key),
      });
      return { secureContext, rejectUnauthorized: !insecure };
    } catch (error) {
      throw new Failure(
        'registry-certificate',
        `The certificates for ${host} cannot be used (${(error as Error).message}): ${files.join(', ') || 'those of the machine'}.`,
        'Correct or take away these files; they must be PEM, and a key without a pass phrase.',
      );
    }
  }
}

/** Hosts that no proxy is asked for and that undici does not know of: this machine, and ranges (`10.0.0.0/8`) in NO_PROXY. */
export function isDirect(hostname: string, noProxy: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost') return true;
  const version = isIP(host);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const ranges = new BlockList();
  ranges.addSubnet('127.0.0.0', 8, 'ipv4');
  ranges.addAddress('::1', 'ipv6');
  for (const entry of noProxy.split(/[\s,]+/)) {
    const [address = '', bits = ''] = entry.split('/');
    const kind = isIP(address);
    if (kind === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (kind === 4 ? 32 : 128)) continue;
    ranges.addSubnet(address, Number(bits), kind === 4 ? 'ipv4' : 'ipv6');
  }
  return ranges.check(host, family);
}
