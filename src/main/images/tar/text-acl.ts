// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/*
 * ACLs as text (acl(5), "ACL TEXT FORMS"), in the PAX records `SCHILY.acl.access` and `SCHILY.acl.default` of star, GNU tar
 * and bsdtar; star and bsdtar write the number of a named user or group behind its permissions.
 */
const TAGS: Readonly<Record<string, readonly [own: number, named: number]>> = {
  user: [0x01, 0x02],
  u: [0x01, 0x02],
  group: [0x04, 0x08],
  g: [0x04, 0x08],
  mask: [0x10, 0x10],
  m: [0x10, 0x10],
  other: [0x20, 0x20],
  o: [0x20, 0x20],
};

const NO_ID = 0xffff_ffff;
const VERSION = 2;

interface AclLine {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

/**
 * The value of the ACL's extended attribute (linux/posix_acl_xattr.h). Null for what is no ACL, and for one that names
 * somebody without a number: which number that is in the image only its own passwd file knows, and that is in some layer.
 */
export function aclFromText(text: ByteString): ByteString | null {
  const lines: AclLine[] = [];
  for (const part of text.split(/[\n,]/)) {
    const plain = part.replace(/#.*/, '').trim();
    if (plain === '') continue;
    const line = parseLine(plain);
    if (line === null) return null;
    lines.push(line);
  }
  if (lines.length < 3) return null;
  lines.sort((a, b) => a.tag - b.tag || a.id - b.id);
  const value = Buffer.alloc(4 + 8 * lines.length);
  value.writeUInt32LE(VERSION, 0);
  lines.forEach(({ tag, permissions, id }, i) => {
    value.writeUInt16LE(tag, 4 + 8 * i);
    value.writeUInt16LE(permissions, 6 + 8 * i);
    value.writeUInt32LE(id, 8 + 8 * i);
  });
  return value.toString('latin1');
}

function parseLine(line: string): AclLine | null {
  const [kind, who, mode, number] = line.replace(/^default:/, '').split(':');
  const tags = TAGS[kind ?? ''];
  const permissions = /^([r-])([w-])([x-])$/.exec(mode ?? '');
  if (tags === undefined || permissions === null) return null;
  const bits = (permissions[1] === 'r' ? 4 : 0) + (permissions[2] === 'w' ? 2 : 0) + (permissions[3] === 'x' ? 1 : 0);
  if (who === '') return { tag: tags[0], permissions: bits, id: NO_ID };
  const id = number ?? who ?? '';
  if (!/^\d{1,10}$/.test(id) || Number(id) >= NO_ID || tags[0] === tags[1]) return null;
  return { tag: tags[1], permissions: bits, id: Number(id) };
}
