// SPDX-License-Identifier: MIT
import { BrowserWindow, ipcMain } from 'electron';
import type { Answer, EventName, Events } from '@shared/contract';
import type { Handlers } from './gateway';
import { createGateway } from './gateway';
import { isTrustedSender } from './trusted-sender';

export const CALL_CHANNEL = 'lamina:call';
export const EVENT_CHANNEL = 'lamina:event';

/** Puts the gateway behind Electron's IPC, with the sender check in front. */
export function serveIpc(handlers: Handlers): void {
  const gateway = createGateway(handlers, (error) => console.error('lamina:', error));
  ipcMain.handle(CALL_CHANNEL, (event, name: unknown, params: unknown): Promise<Answer<unknown>> => {
    const known = new Set(BrowserWindow.getAllWindows().map((window) => window.webContents.id));
    if (!isTrustedSender(known, event.sender.id, event.senderFrame)) throw new Error('refused');
    return gateway(name, params);
  });
}

/** Tells every window. */
export function broadcast<N extends EventName>(name: N, payload: Events[N]): void {
  for (const window of BrowserWindow.getAllWindows()) window.webContents.send(EVENT_CHANNEL, name, payload);
}
