// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { display } from '@shared/bytes';
import type { LayerEntry, UpperEntry } from '@shared/composition';
import { Failure } from '@shared/failure';
import { OPTION_SPECS } from '@shared/options';
import type { OptionName, OptionSpec, OptionValues } from '@shared/options';
import { isGenericOption } from './generic-options';
import { unescapeDir } from './overlay-escape';
import { splitLowerdir } from './split-lowerdir';
import { splitOptions } from './split-options';
import type { OptionItem } from './split-options';

/** What a `-o` text says. The layers have ids of their own, so that this can be judged and shown as a composition. */
export interface ParsedMount {
  readonly upper: UpperEntry | null;
  readonly lowers: readonly LayerEntry[];
  readonly data: readonly LayerEntry[];
  readonly options: OptionValues;
  /** mount(8)'s own options as written: `ro`, `noatime`, `x-…`. */
  readonly other: readonly ByteString[];
  /** Options that neither the kernel's overlayfs nor mount(8) knows; the kernel refuses them (EINVAL). */
  readonly unknown: readonly ByteString[];
  /** Accepted and without effect: a workdir without an upper. */
  readonly ignored: readonly ByteString[];
}

/** The layers while they are read. */
interface Layers {
  lowers: ByteString[];
  data: ByteString[];
  /** A list was given by `lowerdir=`, to which `lowerdir+=` cannot add. */
  listed: boolean;
  upper: ByteString;
  workdir: ByteString;
}

type Values = Partial<Record<OptionName, string | true>>;

/**
 * Reads a `-o` text as mount(8) and the kernel do (semantics 5.1, 5.3, 5.5): the last of repeated options wins,
 * `volatile` and `fsync=` replace each other, an empty `lowerdir=` starts again, `lowerdir+=` is taken verbatim.
 * Relative paths are resolved against `cwd`. Throws a `Failure` for what the kernel refuses while it reads.
 */
export function parseMountOptions(text: ByteString, cwd: ByteString): ParsedMount {
  const layers: Layers = { lowers: [], data: [], listed: false, upper: '', workdir: '' };
  const values: Values = {};
  const other: ByteString[] = [];
  const unknown: ByteString[] = [];
  for (const item of splitOptions(text)) {
    const { name } = item;
    const spec = OPTION_SPECS.find((known) => known.name === name);
    if (spec) setOption(values, spec, item);
    else if (Object.hasOwn(LAYER_OPTIONS, name))
      LAYER_OPTIONS[name as keyof typeof LAYER_OPTIONS](layers, valueOf(item));
    else (isGenericOption(item) ? other : unknown).push(written(item));
  }
  const absolute = (path: ByteString): ByteString =>
    path.startsWith('/') ? path : `${cwd.replace(/\/+$/, '')}/${path}`;
  const entries = (lane: string, paths: readonly ByteString[]): LayerEntry[] =>
    paths.map((path, index) => ({ id: `${lane}-${index + 1}`, path: absolute(path) }));
  const { upper, workdir } = layers;
  return {
    upper: upper ? { path: absolute(upper), workdir: workdir && absolute(workdir) } : null,
    lowers: entries('lower', layers.lowers),
    data: entries('data', layers.data),
    options: values as OptionValues,
    other,
    unknown,
    ignored: workdir && !upper ? [`workdir=${workdir}`] : [],
  };
}

const LAYER_OPTIONS = {
  lowerdir: (layers: Layers, value: ByteString) => {
    const { lowers, data } = splitLowerdir(value);
    Object.assign(layers, { lowers: [...lowers], data: [...data], listed: value !== '' });
  },
  'lowerdir+': (layers: Layers, value: ByteString) => {
    if (layers.data.length > 0 && !layers.listed) {
      throw new Failure(
        'EINVAL',
        'lowerdir+: a regular lower layer cannot follow a data-only layer.',
        'Give every lowerdir+ before the first datadir+.',
      );
    }
    add(layers, 'lowers', 'lowerdir+', value);
  },
  'datadir+': (layers: Layers, value: ByteString) => add(layers, 'data', 'datadir+', value),
  upperdir: (layers: Layers, value: ByteString) => {
    layers.upper = unescapeDir(nonEmpty('upperdir', value));
  },
  workdir: (layers: Layers, value: ByteString) => {
    layers.workdir = unescapeDir(nonEmpty('workdir', value));
  },
} as const;

function add(layers: Layers, lane: 'lowers' | 'data', name: string, value: ByteString): void {
  if (layers.listed) {
    throw new Failure(
      'EINVAL',
      `${name} cannot follow lowerdir.`,
      'Give all layers in one lowerdir= list, or each by its own lowerdir+= or datadir+=.',
    );
  }
  layers[lane].push(nonEmpty(name, value));
}

function setOption(values: Values, spec: OptionSpec, { value }: OptionItem): void {
  const { name } = spec;
  if (spec.kind === 'flag') {
    if (value !== null) {
      throw new Failure('EINVAL', `${name}=${display(value)}: ${name} takes no value.`, `Write ${name} alone.`);
    }
    values[name] = true;
  } else {
    if (value === null || !spec.values.includes(value)) throw badValue(spec, value);
    values[name] = value;
  }
  if (name === 'volatile') delete values.fsync;
  if (name === 'fsync') delete values.volatile;
}

function badValue({ name, values }: OptionSpec, value: ByteString | null): Failure {
  const choices = `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
  return new Failure(
    'EINVAL',
    value === null ? `${name} needs a value.` : `${name}=${display(value)} is no value that the kernel knows.`,
    `${name} takes ${choices}, in lower case.` +
      (name === 'fsync' && value === '0' ? ' For fsync=0 write volatile.' : ''),
  );
}

function valueOf({ name, value }: OptionItem): ByteString {
  return value ?? nonEmpty(name, '');
}

function nonEmpty(name: string, value: ByteString): ByteString {
  if (value === '')
    throw new Failure('EINVAL', `${name} needs a path.`, `Write ${name}=/path, or leave the option out.`);
  return value;
}

function written({ name, value }: OptionItem): ByteString {
  return value === null ? name : `${name}=${value}`;
}
