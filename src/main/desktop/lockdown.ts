// SPDX-License-Identifier: MIT
import { app, session } from 'electron';

/**
 * The window shows our page and nothing else: no navigation, no new windows, no web views, no permissions, no
 * network. See Electron's security checklist, items 5, 11 to 14.
 */
export function lockDown(): void {
  app.on('web-contents-created', (_event, contents) => {
    for (const name of ['will-navigate', 'will-redirect', 'will-frame-navigate', 'will-attach-webview'] as const) {
      contents.on(name as 'will-navigate', (event) => event.preventDefault());
    }
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  });
  void app.whenReady().then(() => {
    const own = session.defaultSession;
    own.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
    own.setPermissionCheckHandler(() => false);
    own.setDevicePermissionHandler(() => false);
    const remote = { urls: ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*', 'ftp://*/*'] };
    own.webRequest.onBeforeRequest(remote, (_details, callback) => callback({ cancel: true }));
  });
}
