// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { unescapeDir } from './overlay-escape';

/** The paths of a `lowerdir=` list, unescaped but not yet resolved. */
export interface LowerList {
  readonly lowers: readonly ByteString[];
  readonly data: readonly ByteString[];
}

/**
 * Splits `a:b::c::d` at its unescaped colons: one goes before a lower layer, two before a data-only layer. An empty
 * text is an empty list. Every other run of colons is refused as the kernel does (semantics 5.3).
 */
export function splitLowerdir(value: ByteString): LowerList {
  const tokens = value.match(/(?:\\[^]|[^\\:]|\\$)+|:+/g) ?? [];
  refuseColons(tokens);
  const lowers: ByteString[] = [];
  const data: ByteString[] = [];
  let separator = '';
  for (const token of tokens) {
    if (token.startsWith(':')) {
      separator = token;
    } else if (separator === '::') {
      data.push(unescapeDir(token));
    } else if (data.length > 0) {
      throw invalid(
        'a regular lower layer cannot follow a data-only layer',
        'Put the layers after “::” last, each with “::” before it.',
      );
    } else {
      lowers.push(unescapeDir(token));
    }
  }
  return { lowers, data };
}

/** The kernel looks at the runs of colons first, in this order. */
function refuseColons(tokens: readonly ByteString[]): void {
  if (tokens[0]?.startsWith(':')) {
    throw invalid('it starts with a colon', 'Write the topmost layer first. A colon inside a name is “\\:”.');
  }
  if (tokens.some((token) => /^:{3}/.test(token))) {
    throw invalid(
      'more than two colons in a row',
      'One colon goes before a lower layer, two before a data-only layer. A colon inside a name is “\\:”.',
    );
  }
  if (tokens.at(-1)?.startsWith(':')) {
    throw invalid('it ends with a colon', 'Take the colon away. If the name ends with it, write “\\:”.');
  }
}

function invalid(reason: string, hint: string): Failure {
  return new Failure('EINVAL', `lowerdir: ${reason}.`, hint);
}
