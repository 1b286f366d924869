// SPDX-License-Identifier: MIT
import { shell } from 'electron';
import { stat } from 'node:fs/promises';
import { display, textOf } from '@shared/bytes';
import { Failure } from '@shared/failure';

/** A file would be run or opened with whatever the desktop thinks fit; only folders are ours to open. */
async function open(path: string): Promise<string> {
  const info = await stat(path).catch(() => null);
  return info?.isDirectory() ? shell.openPath(path) : 'it is not a folder';
}

/** Opens a folder in the desktop's file manager. */
export async function openFolder(path: string): Promise<void> {
  const text = textOf(path);
  const problem = text === null ? 'its name is not UTF-8' : await open(text);
  if (problem === '') return;
  throw new Failure('no-file-manager', `${display(path)} could not be opened: ${problem}`, 'Copy the path instead.');
}
