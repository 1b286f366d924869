// SPDX-License-Identifier: MIT
import { app, clipboard, nativeTheme } from 'electron';
import { homedir } from 'node:os';
import type { MountInfo, Settings } from '@shared/contract';
import { Failure } from '@shared/failure';
import { renderCommand } from '../commands/render';
import { inspectLayer } from '../layers/inspect';
import { mountActivity } from '../mounts/activity';
import { mountLog } from '../mounts/log';
import { startMount } from '../mounts/start';
import { stopMount } from '../mounts/stop';
import type { DataStore } from './data-store';
import { chooseFolders, saveText } from './dialogs';
import type { Handlers } from './gateway';
import { hostInfo } from './host-info';
import { createImageHandlers, type ImageServices } from './image-handlers';
import { checkedComposition } from './checked-composition';
import { closeOnExec } from './close-on-exec';
import type { LaunchArguments } from './launch-arguments';
import type { MountWatch } from './mount-watch';
import { openFolder } from './open-folder';
import { parsePaths } from './parse-paths';
import type { ViewHost } from './view-host';

export interface Services {
  readonly images: ImageServices;
  readonly store: DataStore;
  readonly views: ViewHost;
  readonly mounts: MountWatch;
  readonly launch: LaunchArguments;
  readonly settled: () => void;
}

/** Every call of the contract, wired to what answers it. */
export function createHandlers({ store, images, views, mounts, launch, settled }: Services): Handlers {
  const mountById = async (id: string): Promise<MountInfo> => {
    const found = (await mounts.check()).find((mount) => mount.id === id);
    if (!found) throw new Failure('ENOENT', 'This mount has ended already.', 'Nothing is left to do.');
    return found;
  };
  return {
    ...createImageHandlers(images),
    'app.state': async () => ({
      settings: store.settings,
      compositions: store.compositions,
      currentId: store.currentId,
      host: hostInfo(app.getVersion()),
      // The window opens even where the mounts cannot be listed; the watch goes on trying.
      mounts: await mounts.check().catch(() => []),
      notices: store.notices.splice(0),
      select: launch.select,
    }),
    'app.settled': () => {
      settled();
      return null;
    },
    'settings.set': (change) => {
      const settings = store.changeSettings(defined(change));
      if (!launch.theme) nativeTheme.themeSource = settings.theme;
      return settings;
    },
    'compositions.save': (params) => {
      store.save(checkedComposition(params.composition));
      return null;
    },
    'compositions.remove': ({ id }) => {
      store.remove(id);
      return null;
    },
    'compositions.select': ({ id }) => {
      store.select(id);
      return null;
    },
    'layers.choose': async ({ title, multiple }) => ({ paths: await chooseFolders(title, multiple) }),
    'layers.parse': ({ text }) => ({ paths: parsePaths(text, homedir()) }),
    'layers.inspect': async ({ paths }) => ({ facts: await Promise.all(paths.map((path) => inspectLayer(path))) }),
    'layers.reveal': async ({ path }) => {
      await openFolder(path);
      return null;
    },
    'view.open': (params) => views.open(checkedComposition(params.composition)),
    'view.close': async ({ view }) => {
      await views.close(view);
      return null;
    },
    'view.children': (params) => views.children(params),
    'view.explain': (params) => views.explain(params),
    'view.explainPath': (params) => views.explainPath(params),
    'view.preview': (params) => views.preview(params),
    'changes.open': (params) => views.openChanges(checkedComposition(params.composition)),
    'changes.follow': ({ changes }) => views.followChanges(changes),
    'changes.page': (params) => views.changesPage(params),
    'changes.close': ({ changes }) => views.closeChanges(changes),
    'changes.plan': ({ composition, paths }) => views.plan(checkedComposition(composition), paths),
    'changes.discard': ({ composition, paths, token }) => views.discard(checkedComposition(composition), paths, token),
    'upper.survey': ({ upper }) => views.survey(upper),
    'upper.accept': ({ upper }) => views.acceptVolatile(upper),
    'upper.empty': ({ upper, ...agreed }) => views.discardUpper(upper, agreed),
    'command.render': (params) => renderCommand(checkedComposition(params.composition), params.form),
    'command.save': async (params) => {
      const { text, filename, warnings } = renderCommand(checkedComposition(params.composition), params.form);
      if (text === null) throw new Failure('no-command', warnings[0] ?? 'Nothing to save.', 'Choose another form.');
      return { path: await saveText(text, filename) };
    },
    'clipboard.write': async ({ text }) => {
      // A promise in newer Electrons only.
      await clipboard.writeText(text);
      return null;
    },
    'mounts.list': async () => ({ mounts: await mounts.check() }),
    'mounts.start': async (params) => {
      const { transport } = store.settings;
      const { mountpoint } = params;
      closeOnExec();
      const mount = await startMount({ composition: checkedComposition(params.composition), mountpoint, transport });
      await mounts.check();
      return mount;
    },
    'mounts.stop': async ({ id }) => {
      await stopMount(id);
      await mounts.check();
      return null;
    },
    'mounts.reveal': async ({ id }) => {
      await openFolder((await mountById(id)).mountpoint);
      return null;
    },
    'mounts.activity': async ({ id }) => mountActivity(await mountById(id)),
    'mounts.log': async ({ id, lines }) => ({ lines: await mountLog((await mountById(id)).id, lines) }),
  };
}

/** Without the keys whose value is undefined: they would wipe out settings. */
function defined(change: { [K in keyof Settings]?: Settings[K] | undefined }): Partial<Settings> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
