// SPDX-License-Identifier: MIT
import { SCREENS, type Workspace } from './workspace.svelte';

/** Keys that work everywhere in the window; text fields keep their own undo. */
export function handleShortcut(workspace: Workspace, event: KeyboardEvent): void {
  const { target } = event;
  const typing = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
  const key = event.key.toLowerCase();
  const screen = event.ctrlKey && !event.altKey && !event.shiftKey ? SCREENS[Number(event.key) - 1] : undefined;
  if (screen) {
    workspace.screen = screen;
  } else if (event.key === 'F6') {
    focusPane(event.shiftKey ? -1 : 1);
  } else if (event.ctrlKey && !event.altKey && key === 'z' && !typing) {
    if (event.shiftKey) workspace.redo();
    else workspace.undo();
  } else if (event.ctrlKey && key === 'y' && !typing) {
    workspace.redo();
  } else if (event.ctrlKey && key === 'g') {
    document.querySelector<HTMLInputElement>('[data-path-field]')?.select();
  } else if (event.ctrlKey && key === 'o') {
    void workspace.composer.addByDialog('lower');
  } else {
    return;
  }
  event.preventDefault();
}

/** Next or previous pane, on its first control. */
function focusPane(step: 1 | -1): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')];
  const at = panes.findIndex((pane) => pane.contains(document.activeElement));
  const next = panes.at(at < 0 && step < 0 ? -1 : (at + step) % panes.length);
  const first = next?.querySelector<HTMLElement>('[data-pane-focus], [tabindex="0"], button, input');
  first?.focus();
}
