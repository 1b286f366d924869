// SPDX-License-Identifier: MIT
import { app, ipcMain, Menu, nativeTheme } from 'electron';
import { join } from 'node:path';
import type { Composition } from '@shared/composition';
import { openAppWindow } from './desktop/app-window';
import { registerAppScheme, serveApp } from './desktop/app-protocol';
import { DataStore } from './desktop/data-store';
import { createHandlers } from './desktop/handlers';
import { broadcast, serveIpc } from './desktop/ipc-server';
import { JobBoard } from './desktop/job-board';
import type { LibraryCall } from './desktop/library-worker';
import { parseLaunchArguments } from './desktop/launch-arguments';
import { lockDown } from './desktop/lockdown';
import { MountWatch } from './desktop/mount-watch';
import { takeScreenshot } from './desktop/take-screenshot';
import { StudyHost } from './desktop/study-host';
import { ViewHost } from './desktop/view-host';
import { WorkerHost } from './desktop/worker-host';
import { ensureSample } from './layers/sample';
import { listMounts } from './mounts/list';
import { recoverMounts } from './mounts/recover';

const launch = parseLaunchArguments(process.argv);
const dataDir = process.env['LAMINA_DATA_DIR'];
if (dataDir) app.setPath('userData', dataDir);
// Root has no sandbox in Chromium and must say so on the command line; everyone else runs in it.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
registerAppScheme();
lockDown();

async function start(): Promise<void> {
  await app.whenReady();
  Menu.setApplicationMenu(null);
  const directory = app.getPath('userData');
  // An ES module that must stay outside the bundle.
  const { default: Store } = await import('electron-store');
  const store = new DataStore(Store, directory);
  // electron-store answers to renderers on a channel of its own; ours is the only one.
  ipcMain.removeAllListeners('electron-store-get-data');
  if (store.compositions.length === 0) store.save(firstComposition(directory, store.notices));
  // What killed mount processes left must not keep the window from opening.
  store.notices.push(...(await recoverMounts().catch((error: unknown) => [tell(error)])));
  nativeTheme.themeSource = launch.theme ?? store.settings.theme;

  serveApp(join(app.getAppPath(), 'out/renderer'));
  const views = new ViewHost();
  const mounts = new MountWatch(listMounts, (all) => broadcast('mounts.changed', { mounts: all }));
  const library = new WorkerHost<LibraryCall>(new URL('./library-worker.js', import.meta.url), 'Try it again.');
  const studies = new StudyHost();
  const changed = (): void => broadcast('images.changed', {});
  const jobs = new JobBoard((all) => broadcast('jobs.changed', { jobs: all }), changed);
  const images = { library, jobs, studies, compositions: () => store.compositions, changed };
  const settled = (): void => {
    if (!launch.screenshot) return;
    takeScreenshot(window, launch.screenshot).then(
      () => app.exit(0),
      (error: unknown) => {
        console.error(`lamina: ${String(error)}`);
        app.exit(1);
      },
    );
  };
  serveIpc(createHandlers({ store, images, views, mounts, launch, settled }));
  const window = openAppWindow(store, launch);
  mounts.start();
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  app.on('window-all-closed', () => {
    mounts.stop();
    jobs.dispose();
    studies.dispose();
    library.dispose();
    views.dispose();
    app.quit();
  });
}

/** The sample, or an empty stack where it cannot be made. */
function firstComposition(directory: string, notices: string[]): Composition {
  try {
    return ensureSample(directory);
  } catch (error) {
    notices.push(`The sample could not be made: ${tell(error)}`);
    return { id: 'first', name: 'Untitled', upper: null, lowers: [], data: [], options: {}, mountpoint: null };
  }
}

function tell(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// One window a data folder; a second start brings the first to the front.
if (app.requestSingleInstanceLock()) {
  start().catch((error: unknown) => {
    console.error('lamina:', error);
    app.exit(1);
  });
} else {
  app.quit();
}
