// SPDX-License-Identifier: MIT
import type * as v from 'valibot';
import { display, type ByteString } from '@shared/bytes';
import { stackOf, type Composition } from '@shared/composition';
import type { FoundOnMachine, GarbageView, ImageRow, LookedAt, REQUESTS, RequestName } from '@shared/contract';
import type { Digest, Image } from '@shared/images';
import { sideOfComposition, sideOfLayers, type Side } from '../images/compare/side';
import type { LayerUse } from '../images/store/garbage';
import { checkedComposition } from './checked-composition';
import { chooseDestination, chooseImage } from './dialogs';
import type { Handlers } from './gateway';
import type { JobBoard } from './job-board';
import type { LibraryCall } from './library-worker';
import type { StudyHost } from './study-host';
import type { WorkerHost } from './worker-host';

export interface ImageServices {
  readonly library: WorkerHost<LibraryCall>;
  readonly jobs: JobBoard;
  readonly studies: StudyHost;
  readonly compositions: () => readonly Composition[];
  /** Images have come, gone, or got other names. */
  readonly changed: () => void;
}

type ImageRequest = Extract<
  RequestName,
  `images.${string}` | `jobs.${string}` | `analysis.${string}` | `compare.${string}`
>;
type Subject = v.InferOutput<(typeof REQUESTS)['analysis.open']>['subject'];

/** The calls for images, wired to what answers them. */
export function createImageHandlers(services: ImageServices): Pick<Handlers, ImageRequest> {
  const { library, jobs, studies, compositions, changed } = services;
  const folders = (image: Digest): Promise<ByteString[]> => library.ask({ call: 'folders', image });

  /** The folders of a subject, the lowest first; data-only layers are not merged, and are no part of it. */
  async function foldersOf(subject: Subject): Promise<ByteString[]> {
    if (subject.kind === 'image') return folders(subject.image);
    if (subject.kind === 'layers') return subject.folders;
    return stackOf(checkedComposition(subject.composition))
      .filter(({ lane }) => lane !== 'data')
      .map(({ path }) => path)
      .reverse();
  }

  async function sideOf(subject: Subject): Promise<Side> {
    if (subject.kind === 'composition') return sideOfComposition(checkedComposition(subject.composition));
    if (subject.kind === 'layers') return sideOfLayers(subject.folders, subject.userxattr);
    return sideOfLayers(await foldersOf(subject));
  }

  const uses = (): LayerUse[] =>
    compositions().flatMap((composition) =>
      stackOf(composition).map(({ path }) => ({ folder: path, by: composition.name })),
    );

  async function changing<T>(call: LibraryCall): Promise<T> {
    try {
      return await library.ask<T>(call);
    } finally {
      changed();
    }
  }

  return {
    'images.list': () => library.ask<{ images: ImageRow[] }>({ call: 'list' }),
    'images.detail': ({ image }) => library.ask<Image>({ call: 'detail', image }),
    'images.found': () => library.ask<FoundOnMachine>({ call: 'found' }),
    'images.look': ({ source }) => library.ask<LookedAt>({ call: 'look', source }),
    'images.import': ({ source, platform, inPlace }) => ({
      job: jobs.start('import', source, '', {
        call: 'import',
        source,
        platform: platform && withoutUndefined(platform),
        inPlace,
      }),
    }),
    'images.export': async ({ image, destination }) => {
      const { references } = await library.ask<Image>({ call: 'detail', image });
      const kind = destination.startsWith('docker://') ? 'push' : 'export';
      return { job: jobs.start(kind, references[0] ?? image, destination, { call: 'export', image, destination }) };
    },
    'images.commit': ({ composition, ...wish }) => {
      const checked = checkedComposition(composition);
      return { job: jobs.start('commit', checked.name, wish.name, { call: 'commit', composition: checked, ...wish }) };
    },
    'images.tag': ({ image, name }) => changing({ call: 'tag', image, name }),
    'images.untag': ({ name }) => changing({ call: 'untag', name }),
    'images.remove': ({ image }) => changing({ call: 'remove', image }),
    'images.garbage': () => library.ask<GarbageView>({ call: 'garbage', uses: uses() }),
    'images.collect': ({ token }) => changing({ call: 'collect', uses: uses(), token }),
    'images.choose': async ({ what }) => ({ path: await chooseImage(what) }),
    'images.chooseDestination': async ({ form, name }) => {
      const path = await chooseDestination(name);
      return { destination: path === null ? null : `${form}:${display(path)}` };
    },
    'jobs.list': () => ({ jobs: jobs.list() }),
    'jobs.cancel': ({ job }) => nothing(jobs.cancel(job)),
    'jobs.retry': ({ job }) => nothing(jobs.retry(job)),
    'jobs.dismiss': ({ job }) => nothing(jobs.dismiss(job)),
    'analysis.open': async ({ subject }) => ({ analysis: await studies.analyze(await foldersOf(subject)) }),
    'analysis.follow': ({ analysis }) => studies.analysis(analysis),
    'analysis.list': ({ analysis, list, offset, limit }) => studies.list(analysis, list, offset, limit),
    'analysis.tiles': ({ analysis, node }) => studies.tiles(analysis, node),
    'analysis.close': ({ analysis }) => nothing(studies.close(analysis)),
    'compare.open': async ({ left, right }) => ({
      compare: await studies.compare(await sideOf(left), await sideOf(right)),
    }),
    'compare.follow': ({ compare }) => studies.comparison(compare),
    'compare.page': ({ compare, offset, limit, ...filter }) => studies.page(compare, filter, offset, limit),
    'compare.detail': ({ compare, node }) => studies.detail(compare, node),
    'compare.close': ({ compare }) => nothing(studies.close(compare)),
  };
}

const nothing = (_done: void): null => null;

/** Structured clone keeps a key whose value is undefined, which a platform has not. */
const withoutUndefined = ({
  os,
  architecture,
  variant,
}: {
  os: string;
  architecture: string;
  variant?: string | undefined;
}) => ({
  os,
  architecture,
  ...(variant === undefined ? {} : { variant }),
});
