// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { plain } from './plain-text';

/**
 * What went wrong below HTTP. `broken`: the connection was there; `unreachable`: it never was; `certificate` and
 * `not-tls`: whoever answered is not trusted, or speaks plain http; `nonsense`: what came is not HTTP.
 */
export type FaultKind = 'broken' | 'unreachable' | 'certificate' | 'not-tls' | 'nonsense';

export class NetworkFault extends Error {
  override readonly name = 'NetworkFault';

  constructor(
    readonly kind: FaultKind,
    readonly code: string,
    readonly url: URL,
    message: string,
  ) {
    super(message);
  }

  /** The fault in a user's words. */
  get failure(): Failure {
    const { host } = this.url;
    switch (this.kind) {
      case 'certificate':
        return new Failure(
          'registry-certificate',
          `${host} cannot be trusted: ${this.message} (${this.code}).`,
          certificateHint(this.code, host),
        );
      case 'not-tls':
        return new Failure(
          'registry-plain-http',
          `${host} does not speak TLS, or not well (${this.code}).`,
          `If it is meant to be without TLS, say so in registries.conf: a [[registry]] with location = "${host}" and insecure = true.`,
        );
      case 'nonsense':
        return new Failure(
          'registry-answer',
          `${host} answers with something that is not HTTP (${this.code}).`,
          'Check host and port: another service may be there.',
        );
      case 'unreachable':
        return new Failure(
          'registry-unreachable',
          `${host} cannot be reached: ${this.message} (${this.code}).`,
          'Check the name, the network, and HTTPS_PROXY and NO_PROXY.',
        );
      case 'broken':
        return new Failure(
          'registry-broken',
          `The connection to ${host} broke again and again: ${this.message} (${this.code}).`,
          'Start it again: what has come whole is kept.',
        );
    }
  }
}

function certificateHint(code: string, host: string): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `Its certificate is for another name: use that name, or have one made for ${host}.`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return "Check this machine's clock; if it is right, the registry needs a new certificate.";
    default:
      return `Put the certificate of its authority into /etc/containers/certs.d/${host}/ca.crt, or declare the registry insecure in registries.conf.`;
  }
}

const UNREACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EACCES']);
// OpenSSL's names of what it finds wrong with a chain, as Node gives them.
const CERTIFICATE = /^(?:ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE)/;

/** Makes a NetworkFault of what undici throws; null of what is no fault of the network. */
export function networkFault(error: unknown, url: URL): NetworkFault | null {
  if (error instanceof NetworkFault) return error;
  const cause = causeOf(error);
  const { code: word, message } = cause as NodeJS.ErrnoException;
  // undici leaves the code out where its parser cannot go on.
  const code = word ?? (cause.name === 'HTTPParserError' ? 'HPE_INVALID' : '');
  const kind = kindOf(code);
  return kind && new NetworkFault(kind, code, url, plain(message || code));
}

function kindOf(code: string): FaultKind | null {
  if (UNREACHABLE.has(code) || code === 'UND_ERR_CONNECT_TIMEOUT') return 'unreachable';
  if (CERTIFICATE.test(code) || code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED') return 'certificate';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'not-tls';
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_INVALID_ARG')
    return 'nonsense';
  if (code.startsWith('UND_ERR_') || /^E[A-Z]+$/.test(code) || code === 'ERR_STREAM_PREMATURE_CLOSE') return 'broken';
  return null;
}

/** The error with a code: with several addresses of a host Node gives all of theirs together. */
function causeOf(error: unknown): Error {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return causeOf(error.errors[0]);
  if (error instanceof Error && !('code' in error) && error.cause instanceof Error) return causeOf(error.cause);
  return error instanceof Error ? error : new Error(String(error));
}
