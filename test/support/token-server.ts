// SPDX-License-Identifier: MIT
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Certificate } from './authority';

export interface TokenRequest {
  readonly method: string;
  readonly authorization: string | undefined;
  /** Of the query, or of the form that was posted. */
  readonly parameters: URLSearchParams;
}

export interface TokenServer {
  readonly realm: string;
  readonly requests: TokenRequest[];
  /** Seconds that the tokens live, as they say and as the registry holds them to. */
  life: number;
  stop(): void;
}

/** Issues tokens that docker-registry believes (distribution, "Token Authentication Implementation") to `may`. */
export async function startTokenServer(
  certificate: Certificate,
  issuer: string,
  may: (request: TokenRequest) => boolean,
): Promise<TokenServer> {
  const key = createPrivateKey(readFileSync(certificate.key));
  const chain = [new X509Certificate(readFileSync(certificate.cert)).raw.toString('base64')];
  const requests: TokenRequest[] = [];
  const state = { life: 300 };
  const server = createServer((request, response) => {
    void (async () => {
      let form = '';
      for await (const chunk of request) form += String(chunk);
      const { searchParams } = new URL(request.url ?? '/', 'http://test');
      const asked: TokenRequest = {
        method: request.method ?? '',
        authorization: request.headers.authorization,
        parameters: request.method === 'POST' ? new URLSearchParams(form) : searchParams,
      };
      requests.push(asked);
      if (!may(asked))
        return void response.writeHead(401, { 'content-type': 'application/json' }).end('{"details":"no"}');
      const scopes = asked.parameters.getAll('scope').flatMap((scope) => scope.split(' '));
      const access = scopes.map((scope) => {
        const [type, name, actions = ''] = scope.split(':');
        return { type, name, actions: actions.split(',') };
      });
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        ...{ iss: issuer, sub: 'tester', aud: asked.parameters.get('service'), jti: randomUUID() },
        ...{ exp: now + state.life, nbf: now - 10, iat: now, access },
      };
      const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const text = `${encode({ typ: 'JWT', alg: 'ES256', x5c: chain })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
      const name = request.method === 'POST' ? 'access_token' : 'token';
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ [name]: `${text}.${signature}`, expires_in: 300 }));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(state, {
    realm: `http://127.0.0.1:${port}/token`,
    requests,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  });
}
