// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { badTar } from './tar-error';
import { aclFromText } from './text-acl';

/** Records of an extended header: keyword to value, bytes both. A later record of a keyword replaces an earlier one. */
export type PaxRecords = Map<ByteString, ByteString>;

const SPACE = 0x20;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;

/** In GNU's sparse format 0.0 these come many times: they are gathered into the list of format 0.1. */
const OFFSET = 'GNU.sparse.offset';
const NUMBYTES = 'GNU.sparse.numbytes';
export const SPARSE_MAP = 'GNU.sparse.map';

/** Values that become names on disk, in which NUL would end the name early. */
const NAMES = new Set(['path', 'linkpath', 'GNU.sparse.name']);

/**
 * Reads `LENGTH KEYWORD=VALUE\n` records (POSIX pax, "pax Extended Header"). Values are bytes whatever `hdrcharset` says:
 * UTF-8 and BINARY are the only ones that are defined, and Linux names are bytes.
 * @throws TarError for a record that breaks the format
 */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  const sparse: ByteString[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(SPACE, at);
    const digits = space === -1 ? '' : bytes.toString('latin1', at, Math.min(space, at + 12));
    const end = at + Number(digits);
    if (!/^\d+$/.test(digits) || end > bytes.length || bytes[end - 1] !== NEWLINE)
      badTar('its PAX header has a record of a wrong length');
    const equals = bytes.indexOf(EQUALS, space);
    if (equals === -1 || equals >= end || equals === space + 1) badTar('its PAX header has a record without keyword');
    const key = bytes.toString('latin1', space + 1, equals);
    const value = bytes.toString('latin1', equals + 1, end - 1);
    if (key.includes('\0') || (NAMES.has(key) && value.includes('\0'))) badTar(`its PAX record "${key}" has a NUL`);
    if (key === OFFSET || key === NUMBYTES) {
      if ((sparse.length % 2 === 0) !== (key === OFFSET)) badTar('its sparse map is out of order');
      sparse.push(value);
    } else records.set(key, value);
    at = end;
  }
  if (sparse.length > 0) records.set(SPARSE_MAP, sparse.join(','));
  return records;
}

const SCHILY = 'SCHILY.xattr.';
const LIBARCHIVE = 'LIBARCHIVE.xattr.';

const ACLS = [
  ['SCHILY.acl.access', 'system.posix_acl_access'],
  ['SCHILY.acl.default', 'system.posix_acl_default'],
] as const;

/**
 * Extended attributes of PAX records: star's and Go's raw values, and libarchive's, base64 with the name percent-encoded.
 * Where both are given, libarchive writes the same value twice. ACLs that are given as text are attributes too.
 */
export function xattrsOf(records: PaxRecords): ReadonlyMap<ByteString, ByteString> {
  let xattrs: Map<ByteString, ByteString> | null = null;
  for (const [key, value] of records) {
    if (key.startsWith(SCHILY)) (xattrs ??= new Map()).set(key.slice(SCHILY.length), value);
    else if (key.startsWith(LIBARCHIVE)) {
      const name = key
        .slice(LIBARCHIVE.length)
        .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      xattrs ??= new Map();
      if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value, 'base64').toString('latin1'));
    }
  }
  for (const [record, name] of ACLS) {
    const text = records.get(record);
    const value = text === undefined ? null : aclFromText(text);
    if (value === null) continue;
    xattrs ??= new Map();
    if (!xattrs.has(name)) xattrs.set(name, value);
  }
  return xattrs ?? NONE;
}

const NONE: ReadonlyMap<ByteString, ByteString> = new Map();
