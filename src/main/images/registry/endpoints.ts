// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { plain } from './plain-text';
import type { RegistriesConf, RegistryRule } from './registries-conf';
import { parseImageName, isShortName, printImageName, type ImageName } from '../image-name';

/** Where an image really is asked for. */
export interface Endpoint {
  readonly name: ImageName;
  /** Whether unknown certificates and plain http will do. */
  readonly insecure: boolean;
  readonly mirror: boolean;
}

/**
 * Where an image is pulled from: the mirrors of its rule in their order, then the place that the rule gives it.
 * @throws Failure of a registry that is blocked, and of a rule that makes no name of it
 */
export function pullEndpoints(conf: RegistriesConf, name: ImageName): Endpoint[] {
  const rule = ruleFor(conf, name);
  if (!rule) return [{ name, insecure: false, mirror: false }];
  refuseBlocked(rule, name);
  const kind = name.digest === null ? 'tag-only' : 'digest-only';
  const mirrors = rule.mirrors
    .filter(({ pull }) => pull === 'all' || pull === kind)
    .map(({ location, insecure }) => ({ name: rewrite(name, rule, location), insecure, mirror: true }));
  const own = rule.location === '' ? name : rewrite(name, rule, rule.location);
  return [...mirrors, { name: own, insecure: rule.insecure, mirror: false }];
}

/** Where an image is pushed to: its own name, neither rewritten nor mirrored, as containers has it. */
export function pushEndpoint(conf: RegistriesConf, name: ImageName): Endpoint {
  const rule = ruleFor(conf, name);
  if (rule) refuseBlocked(rule, name);
  return { name, insecure: rule?.insecure ?? false, mirror: false };
}

/** Full names that a short one (`debian:12`) may stand for: that of its alias alone, else one for each search registry. */
export function candidates(conf: RegistriesConf, shortName: string): string[] {
  const end = shortName.search(/[:@]/);
  const [bare, rest] = end < 0 ? [shortName, ''] : [shortName.slice(0, end), shortName.slice(end)];
  const alias = conf.aliases.get(bare);
  if (alias !== undefined) return [alias + rest];
  return conf.search.map((host) => {
    const library = host === 'docker.io' && !bare.includes('/') ? 'library/' : '';
    return `${host}/${library}${bare}${rest}`;
  });
}

function ruleFor(conf: RegistriesConf, name: ImageName): RegistryRule | null {
  const text = printImageName(name);
  let best: RegistryRule | null = null;
  let longest = -1;
  for (const rule of conf.rules) {
    if (matchLength(text, rule.prefix) < 0 || rule.prefix.length <= longest) continue;
    best = rule;
    longest = rule.prefix.length;
  }
  return best;
}

/** How much of a name a prefix covers, or -1: to a `:`, `/` or `@`, or to its end; `*.` covers any number of subdomains. */
export function matchLength(text: string, prefix: string): number {
  if (!prefix.startsWith('*.')) return text.startsWith(prefix) && ends(text, prefix.length) ? prefix.length : -1;
  const host = /^[^/:@]*/.exec(text)?.[0] ?? '';
  return host.length > prefix.length - 1 && host.endsWith(prefix.slice(1)) ? host.length : -1;
}

function ends(text: string, at: number): boolean {
  return at === text.length || ':/@'.includes(text.charAt(at));
}

function rewrite(name: ImageName, rule: RegistryRule, location: string): ImageName {
  const text = printImageName(name);
  const rewritten = location + text.slice(matchLength(text, rule.prefix));
  try {
    // A location without a registry would be looked for on docker.io.
    if (!isShortName(rewritten)) return parseImageName(rewritten);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
  throw new Failure(
    'registries-conf',
    `${rule.file}: the location ${plain(location)} makes no name of ${text}, whose prefix is ${rule.prefix}.`,
    'Correct the location: it stands for what the prefix covers.',
  );
}

function refuseBlocked(rule: RegistryRule, name: ImageName): void {
  if (!rule.blocked) return;
  throw new Failure(
    'registry-blocked',
    `${printImageName(name)}: the registry is blocked ("${rule.prefix}" in ${rule.file}).`,
    `Take blocked = true out of ${rule.file} if the registry may be used.`,
  );
}
