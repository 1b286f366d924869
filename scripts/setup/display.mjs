// SPDX-License-Identifier: MIT
// A display for programs with windows, also where there is none.
import { runToEnd } from './child.mjs';
import { say } from './say.mjs';

/** Whether windows can be shown to somebody. */
export function hasDisplay(environment = process.env) {
  return Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY);
}

// Large enough for any --size, and 24 bits deep: on Xvfb's default of 8 Chromium dithers.
const screen = '-screen 0 3840x2400x24 -nolisten tcp';

// xvfb-run is a shell script, which leaves a signal sent to it alone until the program it started has ended. So that
// program says who it is, on descriptor 3, and is signalled itself.
const tellPid = 'echo $$ >&3; exec 3>&-; exec "$@"';

/** Runs a program with windows to its end: as it is, or on a virtual X server where there is no display. */
export function runOnDisplay(command, args, options = {}) {
  if (hasDisplay()) return runToEnd(command, args, options);
  say('No display: running under Xvfb');
  const wrapped = ['-a', '-s', screen, 'sh', '-c', tellPid, 'sh', command, ...args];
  return runToEnd('xvfb-run', wrapped, { ...options, pidOnDescriptor3: true });
}
