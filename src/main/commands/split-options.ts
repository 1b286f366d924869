// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/** One item of a `-o` text; `value` is null where there is no `=`. Nothing is unescaped yet. */
export interface OptionItem {
  readonly name: ByteString;
  readonly value: ByteString | null;
}

/**
 * The items of a `-o` text, split at commas that no backslash escapes, as the kernel does for overlayfs (semantics
 * 5.5). Empty items are passed over: container engines write `,,volatile` and trailing commas.
 */
export function splitOptions(text: ByteString): OptionItem[] {
  const items = text.match(/(?:\\[^]|[^\\,]|\\$)+/g) ?? [];
  return items.map((item) => {
    const equals = item.indexOf('=');
    return equals < 0 ? { name: item, value: null } : { name: item.slice(0, equals), value: item.slice(equals + 1) };
  });
}
