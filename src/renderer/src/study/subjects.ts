// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { letterOf, stackOf, type Composition } from '@shared/composition';
import type { ImageSubject } from '@shared/image-subject';
import { call } from '../app/call.svelte';
import { splitPath } from '../design/shorten';
import { text } from '../text';

/** Something that can be analysed or compared, as a person chooses it. */
export interface Choice {
  readonly key: string;
  readonly group: 'compositions' | 'images' | 'layers';
  readonly name: string;
  /** Small print: the whole path, the id. */
  readonly aside: string;
  readonly subject: ImageSubject;
}

/** An image as far as a choice needs it. */
export interface ChoosableImage {
  readonly digest: string;
  readonly references: readonly string[];
}

/** The compositions, the layers of the open one, and the images. Data-only layers are none: they are not merged. */
export function choicesOf(
  compositions: readonly Composition[],
  current: Composition,
  images: readonly ChoosableImage[],
): Choice[] {
  const ordered = [current, ...compositions.filter(({ id }) => id !== current.id)];
  return [
    ...ordered.map((composition): Choice => ({
      key: `composition:${composition.id}`,
      group: 'compositions',
      name: composition.name,
      aside: composition.id === current.id ? text.subject.current : '',
      subject: { kind: 'composition', composition },
    })),
    ...images.map(({ digest, references }): Choice => ({
      key: `image:${digest}`,
      group: 'images',
      name: references[0] ?? text.subject.unnamed,
      aside: digest.slice(digest.indexOf(':') + 1).slice(0, 12),
      subject: { kind: 'image', image: digest },
    })),
    ...stackOf(current)
      .filter(({ lane }) => lane !== 'data')
      .map(({ letter, path }): Choice => ({
        key: `layer:${path}`,
        group: 'layers',
        name: text.subject.layer(letter, splitPath(display(path)).name),
        aside: display(path),
        subject: { kind: 'layers', folders: [path], userxattr: current.options.userxattr === true },
      })),
  ];
}

/** The letter of each layer of a subject, the lowest first: as the composer would name it. */
export function lettersOf(subject: ImageSubject, count: number): string[] {
  if (subject.kind === 'composition') {
    const merged = stackOf(subject.composition).filter(({ lane }) => lane !== 'data');
    if (merged.length === count) return merged.map(({ letter }) => letter).reverse();
  }
  return Array.from({ length: count }, (_, layer) => letterOf(count - 1 - layer));
}

/** What made each layer of a subject, or where it is, the lowest first. */
export async function makersOf(subject: ImageSubject): Promise<string[]> {
  if (subject.kind === 'layers') return subject.folders.map((path) => splitPath(display(path)).name);
  if (subject.kind === 'composition') {
    const merged = stackOf(subject.composition).filter(({ lane }) => lane !== 'data');
    return merged.map(({ path }) => splitPath(display(path)).name).reverse();
  }
  const { layers } = await call('images.detail', { image: subject.image });
  return layers.map(({ createdBy }) => createdBy.trim() || text.library.unknownStep);
}
