// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/*
 * The record that vbatts/tar-split made the custom: a JSON object a line, gzip'd. Segments are raw bytes of the archive
 * (headers, padding, the end); between them files, whose content is on disk.
 */

/** Bytes of the archive as they are. */
export interface SegmentRecord {
  readonly kind: 'segment';
  readonly bytes: Buffer;
}

/** An entry of the archive; where `size` is over 0, content that comes from the file of that name. */
export interface FileRecord {
  readonly kind: 'file';
  /** As the archive spells it. */
  readonly name: ByteString;
  /** Bytes of the file, holes counted. */
  readonly size: number;
  /** CRC-64 of the content, 8 bytes, empty where there is none. */
  readonly crc: Buffer;
}

export type SplitRecord = SegmentRecord | FileRecord;

/** Values of the field `type`. */
export const RECORD_TYPE = { file: 1, segment: 2 } as const;
