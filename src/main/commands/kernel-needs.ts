// SPDX-License-Identifier: MIT
import { judgeOptions, OPTION_SPECS } from '@shared/options';
import type { OptionSubject } from '@shared/options';

/** Older than this, nobody is told: every maintained kernel is newer. */
const ANCIENT = '5.9';

/**
 * A warning that names the kernel a command needs, and the feature that needs it; none where any maintained kernel
 * will do (semantics 2.6, 5.1, 10.1). `each`: the command uses `lowerdir+=`.
 */
export function kernelNeeds(subject: OptionSubject, each: boolean): string[] {
  const { data, options } = subject;
  const needs = OPTION_SPECS.filter(({ name }) => options[name] !== undefined).map(({ name, since }) => ({
    what: name === 'uuid' ? `uuid=${options.uuid ?? ''}` : name,
    since: name === 'uuid' && options.uuid !== 'off' ? '6.6' : since,
  }));
  if (each) needs.push({ what: 'lowerdir+=', since: '6.7' });
  if (data.length > 0) {
    needs.push({ what: 'data-only layers', since: '6.5' });
    if (!judgeOptions(subject).effective.metacopy && options.metacopy !== 'on') {
      needs.push({ what: 'data-only layers without metacopy=on', since: '6.16' });
    }
  }
  const newest = needs.sort((a, b) => compare(b.since, a.since))[0];
  return newest && compare(newest.since, ANCIENT) > 0
    ? [`Needs Linux ${newest.since} or newer, for ${newest.what}.`]
    : [];
}

function compare(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}
