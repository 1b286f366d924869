// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { OPTION_SPECS } from '@shared/options';
import type { OptionSubject, OptionValues } from '@shared/options';
import { escapeDir, escapeLower, withPlainEnd } from './overlay-escape';

/** The options that are not paths, as `name` or `name=value`, in the order of `OPTION_SPECS`. */
export function optionWords(options: OptionValues): string[] {
  return OPTION_SPECS.flatMap(({ name }) => {
    const value = options[name];
    if (value === undefined) return [];
    return value === true ? [name] : [`${name}=${value}`];
  });
}

/**
 * The whole `-o` text of a composition, as Lamina's own mount takes it: a byte string that `parseMountOptions` turns
 * back into the same layers and options, whatever bytes the names hold (semantics 5.5).
 */
export function optionString(subject: OptionSubject): ByteString {
  return [...lowerList(subject, escapeLower), ...upperItems(subject, escapeDir), ...optionWords(subject.options)].join(
    ',',
  );
}

/** The same for mount(8) and the kernel, in the list form: `lowerdir=a:b::c` (semantics 10.1). */
export function listOptions(subject: OptionSubject): ByteString[] {
  const safe = safely(escapeLower);
  return [...lowerList(subject, safe), ...upperItems(subject, safely(escapeDir)), ...optionWords(subject.options)];
}

/** The same with one `lowerdir+=` or `datadir+=` a layer; those have no escapes, so no comma (semantics 5.5). */
export function eachOptions(subject: OptionSubject): ByteString[] {
  const verbatim = safely((path) => path);
  return [
    ...subject.lowers.map(({ path }) => `lowerdir+=${verbatim(path)}`),
    ...subject.data.map(({ path }) => `datadir+=${verbatim(path)}`),
    ...upperItems(subject, safely(escapeDir)),
    ...optionWords(subject.options),
  ];
}

type Escape = (path: ByteString) => ByteString;

function safely(escape: Escape): Escape {
  return (path) => escape(withPlainEnd(path));
}

function lowerList({ lowers, data }: OptionSubject, escape: Escape): ByteString[] {
  if (lowers.length === 0) return data.map(({ path }) => `datadir+=${path}`);
  const regular = lowers.map(({ path }) => escape(path)).join(':');
  return [`lowerdir=${regular}${data.map(({ path }) => `::${escape(path)}`).join('')}`];
}

function upperItems({ upper }: OptionSubject, escape: Escape): ByteString[] {
  if (!upper) return [];
  const workdir = upper.workdir ? [`workdir=${escape(upper.workdir)}`] : [];
  return [`upperdir=${escape(upper.path)}`, ...workdir];
}
