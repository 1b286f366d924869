// SPDX-License-Identifier: MIT
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { Bridge, EventName } from '@shared/contract';
import { EVENTS, REQUESTS } from '@shared/contract';
import { bytesOf } from '@shared/bytes';

// Named again in main's ipc-server.ts: a sandboxed preload script shares no module with main.
const CALL_CHANNEL = 'lamina:call';
const EVENT_CHANNEL = 'lamina:event';

const listeners = new Map<EventName, Set<(event: never) => void>>();

ipcRenderer.on(EVENT_CHANNEL, (_event, name: EventName, payload: unknown) => {
  for (const listener of listeners.get(name) ?? []) listener(payload as never);
});

/** The page sees these three functions; neither ipcRenderer nor its event objects ever reach it. */
const bridge: Bridge = {
  invoke(name, params) {
    if (!Object.hasOwn(REQUESTS, name)) throw new TypeError('unknown call');
    return ipcRenderer.invoke(CALL_CHANNEL, name, params);
  },
  subscribe(name, listener) {
    if (!EVENTS.includes(name)) throw new TypeError('unknown event');
    const own = listeners.get(name) ?? new Set();
    listeners.set(name, own);
    own.add(listener as (event: never) => void);
    return () => void own.delete(listener as (event: never) => void);
  },
  pathsFromDrop(files) {
    return files.map((file) => bytesOf(webUtils.getPathForFile(file))).filter((path) => path.startsWith('/'));
  },
};

contextBridge.exposeInMainWorld('lamina', bridge);
