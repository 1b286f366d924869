// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import type { CommandForm, RenderedCommand } from '@shared/contract';
import { renderFsconfig } from './forms/fsconfig';
import { renderFstab } from './forms/fstab';
import { renderFuseOverlayfs } from './forms/fuse-overlayfs';
import type { FormRenderer } from './forms/form';
import { renderLamina } from './forms/lamina';
import { renderMount } from './forms/mount';
import { renderSystemd } from './forms/systemd';
import { renderUnshare } from './forms/unshare';

export { optionString } from './option-string';

const FORMS: Readonly<Record<CommandForm, FormRenderer>> = {
  mount: renderMount,
  fsconfig: renderFsconfig,
  fstab: renderFstab,
  systemd: renderSystemd,
  unshare: renderUnshare,
  'fuse-overlayfs': renderFuseOverlayfs,
  lamina: renderLamina,
};

/**
 * A composition as a command or file that mounts it (semantics 10). `text` is a byte string (`shared/bytes.ts`), so
 * that names which are not UTF-8 survive: show it through `display()`, write it with `Buffer.from(text, 'latin1')`.
 * It is null where the form cannot express the composition; the warnings then say why, and which form can.
 */
export function renderCommand(composition: Composition, form: CommandForm): RenderedCommand {
  return { form, ...FORMS[form](composition) };
}
