// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { parse } from 'smol-toml';
import * as v from 'valibot';
import { plain } from './plain-text';

const mirror = v.looseObject({
  location: v.string(),
  insecure: v.optional(v.boolean(), false),
  'pull-from-mirror': v.optional(v.picklist(['', 'all', 'digest-only', 'tag-only']), ''),
});

const registry = v.looseObject({
  prefix: v.optional(v.string(), ''),
  location: v.optional(v.string(), ''),
  insecure: v.optional(v.boolean(), false),
  blocked: v.optional(v.boolean(), false),
  'mirror-by-digest-only': v.optional(v.boolean(), false),
  mirror: v.optional(v.array(mirror), []),
});

const schema = v.looseObject({
  'unqualified-search-registries': v.optional(v.array(v.string())),
  'credential-helpers': v.optional(v.array(v.string())),
  registry: v.optional(v.array(registry), []),
  aliases: v.optional(v.record(v.string(), v.string()), {}),
});

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly pull: 'all' | 'digest-only' | 'tag-only';
}

/** One `[[registry]]` table. */
export interface RegistryRule {
  readonly prefix: string;
  /** Empty of a wildcard prefix that rewrites nothing. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly Mirror[];
  /** The file that says so, for messages. */
  readonly file: string;
}

/** What registries.conf and its drop-ins say (containers-registries.conf(5), version 2). */
export interface RegistriesConf {
  readonly rules: readonly RegistryRule[];
  /** Registries in which a short name may be looked for: a choice to offer, never taken by itself. */
  readonly search: readonly string[];
  /** Of short names the full ones. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly credentialHelpers: readonly string[];
}

export const emptyConf: RegistriesConf = { rules: [], search: [], aliases: new Map(), credentialHelpers: [] };

/**
 * `base` with what a further file says: a rule replaces the one of the same prefix, a list the list, an alias the alias.
 * @throws Failure that names the file and the place in it
 */
export function addConf(base: RegistriesConf, file: string, text: string): RegistriesConf {
  const parsed = readToml(file, text);
  const rules = new Map<string, RegistryRule>();
  // Of tables with the same prefix in one file the first counts.
  for (const table of parsed.registry) {
    const rule = ruleOf(table, file);
    if (!rules.has(rule.prefix)) rules.set(rule.prefix, rule);
  }
  const aliases = new Map(base.aliases);
  for (const [name, value] of Object.entries(parsed.aliases)) {
    if (value === '') aliases.delete(name);
    else aliases.set(name, value);
  }
  const search = parsed['unqualified-search-registries']?.map((host) => place(host, file));
  return {
    rules: [...base.rules.filter(({ prefix }) => !rules.has(prefix)), ...rules.values()],
    search: search ?? base.search,
    aliases,
    credentialHelpers: parsed['credential-helpers'] ?? base.credentialHelpers,
  };
}

function readToml(file: string, text: string): v.InferOutput<typeof schema> {
  let toml: object;
  try {
    toml = parse(text);
  } catch (error) {
    const { line, column } = error as { line?: number; column?: number };
    throw wrong(file, line === undefined ? 'it is not TOML' : `line ${line}, column ${column} is not TOML`);
  }
  if ('registries' in toml) refuseVersion1(file);
  const result = v.safeParse(schema, toml);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw wrong(file, plain(`${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`));
}

function refuseVersion1(file: string): never {
  throw new Failure(
    'registries-conf',
    `${file} is in version 1 of its format ([registries.search], [registries.insecure], [registries.block]), which Lamina does not read.`,
    'Write it in version 2: unqualified-search-registries = ["HOST"] at its top, and a [[registry]] table with location = "HOST" and insecure = true or blocked = true for each.',
  );
}

function ruleOf(table: v.InferOutput<typeof registry>, file: string): RegistryRule {
  const location = place(table.location, file);
  const prefix = table.prefix === '' ? location : place(table.prefix, file);
  if (prefix === '') throw wrong(file, 'a [[registry]] has neither prefix nor location');
  if (location === '' && !prefix.startsWith('*.')) throw wrong(file, `the [[registry]] of ${prefix} has no location`);
  if ('pull-from-mirror' in table) throw wrong(file, `pull-from-mirror belongs into the mirrors of ${prefix}`);
  const byDigest = table['mirror-by-digest-only'];
  const mirrors = table.mirror.map((each): Mirror => {
    const own = each['pull-from-mirror'];
    if (each.location === '') throw wrong(file, `a mirror of ${prefix} has no location`);
    if (byDigest && own !== '') {
      throw wrong(file, `${prefix} has mirror-by-digest-only, and its mirror ${plain(each.location)} pull-from-mirror`);
    }
    const pull = byDigest ? 'digest-only' : own || 'all';
    return { location: place(each.location, file), insecure: each.insecure, pull };
  });
  return { prefix, location, insecure: table.insecure, blocked: table.blocked, mirrors, file };
}

/** `HOST[/NAMESPACE…]`, without the slash that may end it. */
function place(text: string, file: string): string {
  const trimmed = text.replace(/\/+$/, '');
  if (/^https?:\/\//.test(trimmed)) throw wrong(file, `${plain(text)} must be written without http:// or https://`);
  if (/[\s\p{Cc}]/u.test(trimmed)) throw wrong(file, `${plain(text)} is no registry`);
  return trimmed;
}

function wrong(file: string, reason: string): Failure {
  return new Failure(
    'registries-conf',
    `${file}: ${reason}.`,
    'Correct the file (containers-registries.conf(5) has its format), or name another by CONTAINERS_REGISTRIES_CONF.',
  );
}
