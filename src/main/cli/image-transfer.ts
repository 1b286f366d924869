// SPDX-License-Identifier: MIT
import { type ByteString } from '@shared/bytes';
import type { TransferProgress } from '@shared/images';
import type { ImageName } from '../images/image-name';
import { formatOf, openDestination } from '../images/destinations/open-destination';
import { exportImage } from '../images/export';
import { importImage } from '../images/import';
import { importInPlace } from '../images/import-in-place';
import { parsePlatform } from '../images/platforms';
import { readyToLeave } from '../images/repack';
import { parseReference, type Reference } from '../images/references';
import { RegistrySource } from '../images/registry/registry-source';
import type { RegistrySettings } from '../images/registry/settings';
import { ContainersStorage } from '../images/sources/containers-storage';
import type { FoundImage } from '../images/sources/found-image';
import { openSource } from '../images/sources/open-source';
import type { ImageSource } from '../images/source';
import { thisUser } from '../images/sources/storage-conf';
import { StoredImage } from '../images/stored-image';
import { cancellable } from './cancellable';
import {
  choice,
  FORMAT,
  NAMES,
  needed,
  openStore,
  optionText,
  parseImage,
  QUIET,
  text,
  givenNames,
  titleOf,
} from './image-arguments';
import { ProgressPrinter } from './progress';
import { printJson, printText, warn } from './print';
import { absolute, Usage, type Options, type Parsed } from './stack-arguments';

/** How registries are spoken to, beside what files of the machine say (containers-auth.json(5), registries.conf(5)). */
const REGISTRY: Options = {
  authfile: { type: 'string' },
  creds: { type: 'string' },
  'tls-verify': { type: 'string' },
};

function registrySettings(parsed: Parsed): RegistrySettings {
  const authFile = optionText(parsed, 'authfile');
  const creds = optionText(parsed, 'creds');
  const verify = choice(parsed, 'tls-verify', ['true', 'false']);
  const colon = creds?.indexOf(':') ?? -1;
  if (creds !== undefined && colon < 0) throw new Usage('--creds is USER:PASSWORD');
  return {
    ...(authFile === undefined ? {} : { authFile }),
    ...(creds === undefined
      ? {}
      : { credentials: { username: creds.slice(0, colon), password: creds.slice(colon + 1) } }),
    ...(verify === undefined ? {} : { insecure: verify === 'false' }),
  };
}

/** Runs a transfer that can be stopped, and tells how far it is. */
export async function transferring<T>(
  { values }: Parsed,
  use: (signal: AbortSignal, onProgress: (progress: TransferProgress) => void) => Promise<T>,
): Promise<T> {
  const printer = new ProgressPrinter();
  try {
    return await cancellable((signal) => use(signal, values['quiet'] ? () => {} : printer.show));
  } finally {
    printer.end();
  }
}

/** `lamina image import`. */
export async function importCommand(args: readonly ByteString[]): Promise<void> {
  const flags: Options = {
    ...NAMES,
    ...QUIET,
    ...REGISTRY,
    platform: { type: 'string' },
    'keep-blobs': { type: 'boolean' },
    'in-place': { type: 'boolean' },
  };
  const parsed = parseImage(args, flags, 1);
  const [reference] = needed(parsed, 'SOURCE');
  const platform = optionText(parsed, 'platform');
  const names = givenNames(parsed);
  const store = await openStore(parsed);
  const image = await transferring(parsed, async (signal, onProgress) => {
    const registry = (name: ImageName): Promise<ImageSource> =>
      Promise.resolve(new RegistrySource(name, registrySettings(parsed)));
    if (parsed.values['in-place']) return importInPlace(store, await inContainerStore(reference!), names);
    const source = await openSource(here(parseReference(reference!)), { store, registry, signal });
    try {
      return await importImage(store, source, {
        ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
        ...(names === undefined ? {} : { names }),
        keepBlobs: parsed.values['keep-blobs'] ? 'all' : 'needed',
        signal,
        onProgress,
      });
    } finally {
      await source.close();
    }
  });
  if (parsed.values['json']) printJson(image);
  else printText(`${image.digest}  ${titleOf(image)}`);
}

/** An image whose layers are used where podman, buildah or CRI-O have them. */
async function inContainerStore(text: ByteString): Promise<FoundImage> {
  const reference = parseReference(text);
  if (reference.transport !== 'containers-storage') throw new Usage('--in-place is for containers-storage:NAME');
  return ContainersStorage.open(thisUser(), reference.store).image(reference.name);
}

/** A path counts from here, also where it is told later where the image is from. */
const here = (reference: Reference): Reference =>
  'path' in reference ? { ...reference, path: absolute(reference.path) } : reference;

/** `lamina image export` and `push`, which are the same but for where they may lead. */
async function send(args: readonly ByteString[], isPush: boolean): Promise<void> {
  const parsed = parseImage(args, { ...NAMES, ...QUIET, ...REGISTRY, ...FORMAT, repack: { type: 'boolean' } }, 2);
  const [name, to] = needed(parsed, 'IMAGE', 'DEST');
  const asked = choice(parsed, 'format', ['oci', 'docker']);
  const packing = choice(parsed, 'compression', ['gzip', 'zstd']);
  const store = await openStore(parsed);
  const image = store.image(text(name!, 'IMAGE'));
  const names = givenNames(parsed) ?? image.references;
  const reference = here(parseReference(isPush && !to!.includes('://') ? `docker://${to}` : to!));
  const required = formatOf(reference);
  if (asked && required && asked !== required) throw new Usage(`an ${reference.transport} holds OCI manifests alone`);
  const format = asked ?? required ?? undefined;
  const settings = { ...registrySettings(parsed), mountFrom: store.images().flatMap(({ references }) => references) };
  const hold = await store.hold();
  try {
    const digest = await transferring(parsed, async (signal, onProgress) => {
      const ready = await readyToLeave(store, new StoredImage(store, image), {
        ...(format === undefined ? {} : { format }),
        ...(packing === undefined ? {} : { packing }),
        all: parsed.values['repack'] === true,
        note: warn,
        signal,
      });
      try {
        const destination = await openDestination(reference, names, settings);
        try {
          await exportImage(ready.source, ready.manifest, destination, { signal, onProgress });
        } finally {
          await destination.close();
        }
        return ready.manifest.descriptor.digest;
      } finally {
        await ready.close();
      }
    });
    if (parsed.values['json']) printJson({ digest, isExact: digest === image.digest });
    else printText(digest);
  } finally {
    hold.release();
  }
}

export const exportCommand = (args: readonly ByteString[]): Promise<void> => send(args, false);
export const pushCommand = (args: readonly ByteString[]): Promise<void> => send(args, true);
