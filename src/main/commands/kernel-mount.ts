// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { stackOf } from '@shared/composition';
import { judgeOptions } from '@shared/options';
import type { OptionSubject } from '@shared/options';
import { kernelNeeds } from './kernel-needs';
import { eachOptions, listOptions } from './option-string';

/** mount(2) uses this much of its data and cuts the rest off silently (semantics 5.5). */
export const MOUNT2_LIMIT = 4095;
/** fsconfig(2) refuses longer values without a message (semantics 5.5). */
export const FSCONFIG_LIMIT = 255;

/** The `-o` text that mount(8) takes for a composition, or null with the reasons why it cannot be said. */
export interface KernelMount {
  readonly options: ByteString | null;
  /** Only mount(2) takes it: mount(8) 2.39 and newer must be told by `LIBMOUNT_FORCE_MOUNT2=always`. */
  readonly forceMount2: boolean;
  readonly warnings: readonly string[];
}

/** `list`: one `lowerdir=`; `each`: one `lowerdir+=` a layer; `either`: the list while it is short, as 10.1 advises. */
export type KernelStyle = 'list' | 'each' | 'either';

/** Writes a composition for mount(8), within what mount(8), mount(2) and fsconfig(2) can carry (semantics 10.1). */
export function kernelMount(subject: OptionSubject, style: KernelStyle): KernelMount {
  const refused = impossible(subject);
  if (refused.length > 0) return { options: null, forceMount2: false, warnings: refused };
  const each = style === 'each' || (style === 'either' && tooLong(listOptions(subject)) && !commaInLower(subject));
  return each ? eachMount(subject) : listMount(subject);
}

function listMount(subject: OptionSubject): KernelMount {
  const items = listOptions(subject);
  const options = items.join(',');
  if (options.length > MOUNT2_LIMIT) {
    const way = commaInLower(subject)
      ? 'Lamina’s own mount can.'
      : 'The fsconfig form can, with mount(8) 2.39 or newer; Lamina’s own mount too.';
    return refuse(
      `The options take ${options.length} bytes. mount(2) uses ${MOUNT2_LIMIT} and silently cuts off the rest, so this form cannot say them. ${way}`,
    );
  }
  const forceMount2 = tooLong(items);
  const warnings = forceMount2
    ? [
        `A value is longer than the ${FSCONFIG_LIMIT} bytes that fsconfig(2) takes; mount(8) 2.39 and newer mounts it only with LIBMOUNT_FORCE_MOUNT2=always.`,
      ]
    : [];
  return { options, forceMount2, warnings: [...warnings, ...advice(subject, false)] };
}

function eachMount(subject: OptionSubject): KernelMount {
  if (commaInLower(subject)) {
    return refuse(
      'A layer has a comma in its path. lowerdir+= has no escapes, so this form cannot say it; the mount form can.',
    );
  }
  const items = eachOptions(subject);
  const options = items.join(',');
  const [long, big] = [tooLong(items), options.length > MOUNT2_LIMIT];
  if (long && big) {
    return refuse(
      `A path is longer than the ${FSCONFIG_LIMIT} bytes that fsconfig(2) takes, and all together than the ${MOUNT2_LIMIT} of mount(2). Lamina’s own mount can do it.`,
    );
  }
  const warnings = [
    ...(long
      ? [
          `A path is longer than the ${FSCONFIG_LIMIT} bytes that fsconfig(2) takes; mount(8) 2.39 and newer mounts it only with LIBMOUNT_FORCE_MOUNT2=always.`,
        ]
      : []),
    ...(big
      ? [
          `The options take ${options.length} bytes: only for mount(8) 2.39 or newer. An older one silently cuts them off at ${MOUNT2_LIMIT}.`,
        ]
      : []),
  ];
  return { options, forceMount2: long, warnings: [...warnings, ...advice(subject, true)] };
}

function refuse(reason: string): KernelMount {
  return { options: null, forceMount2: false, warnings: [reason] };
}

/** What no command line of mount(8) can say. */
function impossible(subject: OptionSubject): string[] {
  if (subject.lowers.length === 0) return ['There is no lower layer: nothing can be mounted yet.'];
  if (everyPath(subject).some((path) => path.includes('"'))) {
    return ['A path holds a double quote, which mount(8) takes for its own. Lamina’s own mount can do it.'];
  }
  return [];
}

/** What the kernel itself would say to it. */
function advice(subject: OptionSubject, each: boolean): string[] {
  const errors = judgeOptions(subject).findings.filter(({ severity }) => severity === 'error');
  return [
    ...errors.map(({ errno, message }) => `The kernel refuses this (${errno ?? 'EINVAL'}): ${message}`),
    ...kernelNeeds(subject, each),
  ];
}

function everyPath(subject: OptionSubject): ByteString[] {
  return [...stackOf(subject).map(({ path }) => path), subject.upper?.workdir ?? ''];
}

function commaInLower({ lowers, data }: OptionSubject): boolean {
  return [...lowers, ...data].some(({ path }) => path.includes(','));
}

/** mount(8) hands a value to fsconfig(2) with `\,` already turned into a comma. */
function tooLong(items: readonly ByteString[]): boolean {
  return items.some((item) => item.slice(item.indexOf('=') + 1).replaceAll('\\,', ',').length > FSCONFIG_LIMIT);
}
