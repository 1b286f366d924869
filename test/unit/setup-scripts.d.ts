// SPDX-License-Identifier: MIT
/** The set-up scripts are plain JavaScript: they run before TypeScript is there. */
declare module '*.mjs';
