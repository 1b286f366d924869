// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

export type Namespace = 'trusted' | 'user';

/** Names of the overlay's extended attributes in one namespace (semantics 1.1). The other namespace is user data. */
export interface OverlayXattrs {
  readonly prefix: ByteString;
  readonly opaque: ByteString;
  readonly redirect: ByteString;
  readonly metacopy: ByteString;
  readonly whiteout: ByteString;
  readonly origin: ByteString;
  readonly impure: ByteString;
  readonly nlink: ByteString;
  readonly upper: ByteString;
  readonly uuid: ByteString;
  readonly protattr: ByteString;
}

function namesIn(namespace: Namespace): OverlayXattrs {
  const prefix = `${namespace}.overlay.`;
  return {
    prefix,
    opaque: `${prefix}opaque`,
    redirect: `${prefix}redirect`,
    metacopy: `${prefix}metacopy`,
    whiteout: `${prefix}whiteout`,
    origin: `${prefix}origin`,
    impure: `${prefix}impure`,
    nlink: `${prefix}nlink`,
    upper: `${prefix}upper`,
    uuid: `${prefix}uuid`,
    protattr: `${prefix}protattr`,
  };
}

export const OVERLAY_XATTRS: Readonly<Record<Namespace, OverlayXattrs>> = {
  trusted: namesIn('trusted'),
  user: namesIn('user'),
};

/** `overlay.overlay.X` is stored for a visible `overlay.X`; anything else under the prefix is private. */
const ESCAPE = 'overlay.';

/** The name under which the mount shows a stored attribute, or null where it hides it. */
export function visibleName(stored: ByteString, names: OverlayXattrs): ByteString | null {
  if (!stored.startsWith(names.prefix)) return stored;
  const rest = stored.slice(names.prefix.length);
  return rest.startsWith(ESCAPE) ? names.prefix + rest.slice(ESCAPE.length) : null;
}

/** The name under which an attribute asked for through the mount is stored. */
export function storedName(visible: ByteString, names: OverlayXattrs): ByteString {
  if (!visible.startsWith(names.prefix)) return visible;
  return names.prefix + ESCAPE + visible.slice(names.prefix.length);
}
