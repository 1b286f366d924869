// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { WrittenEntry } from './write-entry';

/** The largest numbers of the fields of a ustar header: seven and eleven octal digits. */
const MOST_ID = 0o7777777;
const MOST_SIZE = 0o77777777777;
/** Bytes of its fields for names. */
export const NAME_BYTES = 100;

const XATTR = 'SCHILY.xattr.';

/** What the fields of a ustar header hold without loss, as every reader takes it. */
const isPlain = (name: ByteString): boolean => name.length <= NAME_BYTES && /^[\x01-\x7f]*$/.test(name);
export const fitsId = (id: number): boolean => id <= MOST_ID;
export const fitsTime = (seconds: number): boolean => seconds >= 0 && seconds <= MOST_SIZE;
export const fitsSize = (bytes: number): boolean => bytes <= MOST_SIZE;

/** The name as the tar has it: of a directory with a slash after it. */
export const entryName = ({ path, type }: WrittenEntry): ByteString => (type === 'directory' ? `${path}/` : path);

/**
 * Whether a PAX record can name the attribute: `=` ends the keyword, and Go's reader, which all container engines use,
 * knows no escape for it.
 */
export const canWriteXattr = (name: ByteString): boolean => !name.includes('=');

/**
 * The PAX records of an entry (pax(1), "pax Extended Header"): just what the ustar header does not hold, sorted by
 * keyword. Names that are not UTF-8 stand as their bytes, as GNU tar and Go write them: neither knows `hdrcharset`.
 */
export function paxRecords(entry: WrittenEntry): Buffer {
  const records: [ByteString, ByteString][] = [];
  const name = entryName(entry);
  if (!isPlain(name)) records.push(['path', name]);
  if (!isPlain(entry.target)) records.push(['linkpath', entry.target]);
  if (!fitsId(entry.uid)) records.push(['uid', String(entry.uid)]);
  if (!fitsId(entry.gid)) records.push(['gid', String(entry.gid)]);
  if (!fitsSize(entry.size)) records.push(['size', String(entry.size)]);
  if (entry.mtimeNs !== 0 || !fitsTime(entry.mtime)) records.push(['mtime', timeText(entry)]);
  for (const [attribute, value] of entry.xattrs) records.push([XATTR + attribute, value]);
  records.sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(records.map(([key, value]) => recordText(key, value)).join(''), 'latin1');
}

/** Decimal, `-0.5` for half a second before the epoch, which the file system has as -1 s and 500,000,000 ns. */
function timeText({ mtime, mtimeNs }: WrittenEntry): string {
  const isBefore = mtime < 0 && mtimeNs > 0;
  const seconds = isBefore ? -(mtime + 1) : Math.abs(mtime);
  const fraction = isBefore ? 1_000_000_000 - mtimeNs : mtimeNs;
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
  return `${mtime < 0 ? '-' : ''}${seconds}${digits}`;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function recordText(key: ByteString, value: ByteString): ByteString {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
