// SPDX-License-Identifier: MIT

/** One way in that a `WWW-Authenticate` offers. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** By name in lower case; of a name that comes twice, the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const SPACE = /[ \t]*/y;
const SEPARATOR = /[ \t,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;
// Wider than the grammar: some registries leave the quotes of an address out.
const BARE = /[^\s,"]+/y;

/**
 * Reads the values of `WWW-Authenticate` (RFC 9110, 11.6.1). One header may hold several challenges, whose commas are
 * also those between parameters; what cannot be read ends that header, and what was read before it stays.
 */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap(parseHeader);
}

function parseHeader(header: string): Challenge[] {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (take(SEPARATOR); at < header.length; take(SEPARATOR)) {
    const word = take(TOKEN)?.[0].toLowerCase();
    if (word === undefined) break;
    const parameters = challenges.at(-1)?.parameters;
    if (parameters && take(EQUALS)) {
      const value = take(QUOTED)?.[1]?.replace(/\\(.)/gs, '$1') ?? take(BARE)?.[0];
      if (value === undefined) break;
      if (!parameters.has(word)) parameters.set(word, value);
      continue;
    }
    challenges.push({ scheme: word, parameters: new Map() });
    if (take(SPACE)?.[0] && !startsParameter(header, at)) take(TOKEN68);
  }
  return challenges;
}

function startsParameter(header: string, at: number): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=[ \t]*[^=,\s]/.test(header.slice(at, at + 512));
}
