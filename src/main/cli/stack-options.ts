// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import { Failure } from '@shared/failure';
import type { WhiteoutForm } from '@shared/lamina-options';
import { OPTION_SPECS } from '@shared/options';
import { parseMountOptions, type ParsedMount } from '../commands/parse-options';
import { workingDirectory } from './arguments';
import { warn } from './print';

/** The stack that `-o` texts describe. */
export interface StackOptions {
  readonly composition: Composition;
  /** mount(8)'s own words among them, and those of a FUSE mount. */
  readonly other: readonly string[];
  readonly whiteouts: WhiteoutForm;
}

/** What a FUSE mount takes on top of mount(8)'s words. */
const isFuseWord = (word: ByteString): boolean => word === 'allow_other' || word.startsWith('fsname=');

const WHITEOUTS = 'whiteouts=';

/**
 * Reads `-o` texts as mount(8) does, with Lamina's own option `whiteouts=`.
 * @param sloppy mount(8)'s -s: what nobody knows is passed over
 * @throws Failure EINVAL for an unknown option, and what the kernel refuses while it reads
 */
export function readStackOptions(
  texts: readonly ByteString[],
  mountpoint: ByteString | null,
  sloppy = false,
): StackOptions {
  const parsed = parseMountOptions(texts.join(','), workingDirectory());
  const isKnown = (word: ByteString): boolean => isFuseWord(word) || word.startsWith(WHITEOUTS);
  const unknown = parsed.unknown.filter((word) => !isKnown(word));
  if (unknown.length > 0 && !sloppy) {
    const known = OPTION_SPECS.map((spec) => spec.name).join(', ');
    const hint = `Lamina takes lowerdir, lowerdir+, datadir+, upperdir, workdir, ${known}, whiteouts, and the words of mount(8).`;
    throw new Failure('EINVAL', `Unknown mount option ${display(unknown[0]!)}.`, hint);
  }
  for (const item of parsed.ignored) warn(`note: ${display(item)} has no effect: there is no upperdir`);
  return {
    composition: compositionOf(parsed, mountpoint),
    other: [...parsed.other, ...parsed.unknown.filter(isFuseWord)],
    whiteouts: whiteoutsOf(parsed.unknown),
  };
}

function whiteoutsOf(words: readonly ByteString[]): WhiteoutForm {
  const value = words.findLast((word) => word.startsWith(WHITEOUTS))?.slice(WHITEOUTS.length) ?? 'kernel';
  if (value === 'kernel' || value === 'oci') return value;
  throw new Failure(
    'EINVAL',
    `${WHITEOUTS}${display(value)} is not understood.`,
    'whiteouts takes kernel (0:0 devices and attributes, the default) or oci (.wh. files of image layers too).',
  );
}

/** The layers and options of a text, as a composition that is named after where it goes. */
export function compositionOf(parsed: ParsedMount, mountpoint: ByteString | null): Composition {
  const { upper, lowers, data, options } = parsed;
  const name =
    mountpoint === null ? 'overlay' : display(mountpoint.slice(mountpoint.lastIndexOf('/') + 1)) || 'overlay';
  return { id: 'command-line', name: name.slice(0, 200), upper, lowers, data, options, mountpoint };
}
