// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { commitCommand, configCommand, squashCommand } from './image-commit';
import { analyzeImage, diffImages } from './image-compare';
import { IMAGE_HELP } from './image-help';
import { checkImages, collectGarbage, removeImages, tagImage, untagImage } from './image-keep';
import { imageLayers, inspectImage, listImages } from './image-list';
import { exportCommand, importCommand, pushCommand } from './image-transfer';
import { printText } from './print';
import { Usage } from './program';

const COMMANDS: Readonly<Record<string, (args: readonly ByteString[]) => Promise<void>>> = {
  import: importCommand,
  ls: listImages,
  inspect: inspectImage,
  layers: imageLayers,
  tag: tagImage,
  untag: untagImage,
  rm: removeImages,
  gc: collectGarbage,
  check: checkImages,
  export: exportCommand,
  push: pushCommand,
  commit: commitCommand,
  squash: squashCommand,
  config: configCommand,
  diff: diffImages,
  analyze: analyzeImage,
};

/** `lamina image …` */
export async function imageCommand([word, ...args]: readonly ByteString[]): Promise<void> {
  if (word === undefined || word === 'help' || word === '--help' || args.includes('--help'))
    return printText(IMAGE_HELP);
  if (!Object.hasOwn(COMMANDS, word)) throw new Usage(`unknown command image ${display(word)}`);
  await COMMANDS[word]!(args);
}
