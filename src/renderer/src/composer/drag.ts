// SPDX-License-Identifier: MIT
import { combine } from '@atlaskit/pragmatic-drag-and-drop/combine';
import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { dropTargetForExternal, monitorForExternal } from '@atlaskit/pragmatic-drag-and-drop/external/adapter';
import { containsFiles } from '@atlaskit/pragmatic-drag-and-drop/utils/contains-files';
import { getFiles } from '@atlaskit/pragmatic-drag-and-drop/utils/get-files';
import { preventUnhandled } from '@atlaskit/pragmatic-drag-and-drop/prevent-unhandled';
import type { Attachment } from 'svelte/attachments';
import type { Place } from '@shared/step-move';
import { insertionPoint } from './insertion-point';

/** Lets the mouse drag one layer. */
export function draggableLayer(id: string, dragging: (id: string | null) => void): Attachment<HTMLElement> {
  return (element) =>
    draggable({
      element,
      getInitialData: () => ({ layer: id }),
      onDragStart: () => dragging(id),
      onDrop: () => dragging(null),
    });
}

/** Lets the mouse drag layers from elsewhere, by their folders, the top one first. */
export function draggableFolders(folders: () => readonly string[]): Attachment<HTMLElement> {
  return (element) => draggable({ element, getInitialData: () => ({ folders: folders() }) });
}

const foldersIn = (data: Record<string | symbol, unknown>): readonly string[] | null =>
  Array.isArray(data['folders']) ? (data['folders'] as string[]) : null;

export interface LaneDrops {
  readonly mark: (place: Place | null) => void;
  readonly moved: (id: string, place: Place) => void;
  readonly added: (folders: readonly string[], place: Place) => void;
  readonly dropped: (files: readonly File[], place: Place) => void;
}

/** Takes files and folders that are dropped from a file manager. */
export function fileDrops(
  over: (is: boolean) => void,
  dropped: (files: readonly File[]) => void,
): Attachment<HTMLElement> {
  return (element) =>
    dropTargetForExternal({
      element,
      canDrop: containsFiles,
      getDropEffect: () => 'copy',
      onDragEnter: () => over(true),
      onDragLeave: () => over(false),
      onDrop: ({ source }) => {
        over(false);
        dropped(getFiles({ source }));
      },
    });
}

/** Makes the lanes take layers from within and folders from a file manager, by the same insertion mark. */
export function laneDrops(drops: LaneDrops): Attachment<HTMLElement> {
  return (element) => {
    const follow = ({ location }: { location: { current: { input: { clientY: number } } } }): void =>
      drops.mark(insertionPoint(element, location.current.input.clientY));
    const leave = (): void => drops.mark(null);
    return combine(
      dropTargetForElements({
        element,
        canDrop: ({ source }) => typeof source.data['layer'] === 'string' || foldersIn(source.data) !== null,
        onDrag: follow,
        onDragLeave: leave,
        onDrop: ({ source, location }) => {
          leave();
          const place = insertionPoint(element, location.current.input.clientY);
          const folders = foldersIn(source.data);
          if (folders) return drops.added(folders, place);
          // The move may take the dragged element out of the page, and then its dragend would never come: without it
          // the browser and the library believe that the drag goes on.
          const move = (): void => drops.moved(String(source.data['layer']), place);
          window.addEventListener('dragend', move, { capture: true, once: true });
        },
      }),
      dropTargetForExternal({
        element,
        canDrop: containsFiles,
        getDropEffect: () => 'copy',
        onDrag: follow,
        onDragLeave: leave,
        onDrop: ({ source, location }) => {
          leave();
          drops.dropped(getFiles({ source }), insertionPoint(element, location.current.input.clientY));
        },
      }),
      monitorForExternal({
        canMonitor: containsFiles,
        onDragStart: preventUnhandled.start,
        onDrop: preventUnhandled.stop,
      }),
    );
  };
}
