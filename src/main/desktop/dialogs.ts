// SPDX-License-Identifier: MIT
import { BrowserWindow, dialog } from 'electron';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ByteString } from '@shared/bytes';
import { bytesOf } from '@shared/bytes';

// Electron's dialogs open in Downloads since 43; remembering the last folder is ours to do.
let lastFolder: string | undefined;

/** Asks for folders; none when cancelled. */
export async function chooseFolders(title: string, multiple: boolean): Promise<string[]> {
  const { canceled, filePaths } = await dialog.showOpenDialog(parent(), {
    title,
    ...(lastFolder === undefined ? {} : { defaultPath: lastFolder }),
    properties: [
      'openDirectory',
      'createDirectory',
      'showHiddenFiles',
      ...(multiple ? (['multiSelections'] as const) : []),
    ],
  });
  const first = filePaths[0];
  if (canceled || first === undefined) return [];
  lastFolder = dirname(first);
  return filePaths.map(bytesOf);
}

/** Asks where to, and writes the bytes; answers with the path, null when cancelled. */
export async function saveText(text: ByteString, filename: string): Promise<string | null> {
  const { canceled, filePath } = await dialog.showSaveDialog(parent(), {
    defaultPath: lastFolder === undefined ? filename : join(lastFolder, filename),
  });
  if (canceled || !filePath) return null;
  await writeFile(filePath, Buffer.from(text.endsWith('\n') ? text : `${text}\n`, 'latin1'));
  return filePath;
}

/** Asks for an image as a file or as a folder; null when cancelled. */
export async function chooseImage(what: 'file' | 'folder'): Promise<ByteString | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog(parent(), {
    ...(lastFolder === undefined ? {} : { defaultPath: lastFolder }),
    properties: [what === 'file' ? 'openFile' : 'openDirectory', 'showHiddenFiles'],
  });
  const first = filePaths[0];
  if (canceled || first === undefined) return null;
  lastFolder = dirname(first);
  return bytesOf(first);
}

/** Asks where an image shall go; null when cancelled. */
export async function chooseDestination(name: string): Promise<ByteString | null> {
  const { canceled, filePath } = await dialog.showSaveDialog(parent(), {
    defaultPath: lastFolder === undefined ? name : join(lastFolder, name),
  });
  if (canceled || !filePath) return null;
  lastFolder = dirname(filePath);
  return bytesOf(filePath);
}

function parent(): BrowserWindow {
  const window = BrowserWindow.getAllWindows()[0];
  if (!window) throw new Error('no window');
  return window;
}
