// SPDX-License-Identifier: MIT
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface LayoutBlob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

const TYPE = 'application/vnd.oci.image';

/** Writes an OCI image layout of images whose layers are tars with one file of random bytes. */
export class OciLayout {
  readonly #entries: LayoutBlob[] = [];

  constructor(readonly folder: string) {
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(mediaType: string, bytes: Buffer): LayoutBlob {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(this.folder, 'blobs/sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }

  /** @param sizes bytes of each layer's file */
  image(architecture: string, sizes: readonly number[]): LayoutBlob {
    const layers = sizes.map((size, at) => layerTar(`file-${at}`, randomBytes(size)));
    const config = this.blob(
      `${TYPE}.config.v1+json`,
      json({
        os: 'linux',
        architecture,
        config: { Env: ['PATH=/bin'] },
        rootfs: {
          type: 'layers',
          diff_ids: layers.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
        },
      }),
    );
    const blobs = layers.map((tar) => this.blob(`${TYPE}.layer.v1.tar+gzip`, gzipSync(tar, { level: 1 })));
    const mediaType = `${TYPE}.manifest.v1+json`;
    const manifest = this.blob(mediaType, json({ schemaVersion: 2, mediaType, config, layers: blobs }));
    return { ...manifest, platform: { os: 'linux', architecture } };
  }

  index(manifests: readonly LayoutBlob[]): LayoutBlob {
    const mediaType = `${TYPE}.index.v1+json`;
    return this.blob(mediaType, json({ schemaVersion: 2, mediaType, manifests }));
  }

  /** Puts a manifest or index into the layout's own index under a name. */
  name(entry: LayoutBlob, name: string): void {
    const { mediaType, digest, size } = entry;
    this.#entries.push({ mediaType, digest, size, annotations: { 'org.opencontainers.image.ref.name': name } });
    writeFileSync(join(this.folder, 'index.json'), json({ schemaVersion: 2, manifests: this.#entries }));
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function layerTar(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('14000000000\0', 136, 'latin1');
  header.write('        0', 148, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512), Buffer.alloc(1024)]);
}
