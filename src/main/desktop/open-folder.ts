// SPDX-License-Identifier: MIT
import { shell } from 'electron';
import { display, textOf } from '@shared/bytes';
import { Failure } from '@shared/failure';

/** Opens a folder in the desktop's file manager. */
export async function openFolder(path: string): Promise<void> {
  const text = textOf(path);
  const problem = text === null ? 'its name is not UTF-8' : await shell.openPath(text);
  if (problem === '') return;
  throw new Failure('no-file-manager', `${display(path)} could not be opened: ${problem}`, 'Copy the path instead.');
}
