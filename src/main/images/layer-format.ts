// SPDX-License-Identifier: MIT

/** How the bytes of a layer's blob are packed. */
export type Packing = 'tar' | 'gzip' | 'zstd';

/** OCI image-spec, layer.md. */
export const LAYER_MEDIA_TYPE: Readonly<Record<Packing, string>> = {
  tar: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};

/** Bytes of a blob's start that tell its packing. */
export const MAGIC_BYTES = 6;

/** Packings that images do not have, and that somebody may hand us all the same. */
export type ForeignPacking = 'bzip2' | 'xz' | 'lzip';

/** Tells the packing by the first bytes: names and media types of images are wrong too often. */
export function packingOf(start: Buffer): Packing | ForeignPacking {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start.length >= 4) {
    const magic = start.readUInt32LE(0);
    // A frame, or a skippable frame, with which zstd:chunked or pzstd may start (RFC 8878, 3.1).
    if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd';
  }
  const text = start.toString('latin1');
  if (text.startsWith('BZh')) return 'bzip2';
  if (text.startsWith('\xfd7zXZ')) return 'xz';
  if (text.startsWith('LZIP')) return 'lzip';
  return 'tar';
}
