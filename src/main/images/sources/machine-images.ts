// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { Failure } from '@shared/failure';
import { raw } from '../store/durable';
import { Containerd, CONTAINERD_ROOT } from './containerd';
import { ContainersStorage } from './containers-storage';
import { DOCKER_ROOT, DockerOverlay2 } from './docker-overlay2';
import type { FoundImage } from './found-image';
import { thisUser } from './storage-conf';

/** What other tools on this machine have. */
export interface MachineImages {
  readonly images: readonly FoundImage[];
  /** Why a store that is there could not be read. */
  readonly problems: readonly Failure[];
}

/** The images of podman, buildah and CRI-O, of Docker and of containerd, where they are. They are only read. */
export async function machineImages(): Promise<MachineImages> {
  const images: FoundImage[] = [];
  const problems: Failure[] = [];
  const look = async (list: () => Promise<FoundImage[]>): Promise<void> => {
    try {
      images.push(...(await list()));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      problems.push(error);
    }
  };
  await look(() => ContainersStorage.open(thisUser()).images());
  if (existsSync(raw(DOCKER_ROOT))) await look(() => new DockerOverlay2().images());
  if (existsSync(raw(CONTAINERD_ROOT))) await look(() => new Containerd().images());
  return { images, problems };
}
