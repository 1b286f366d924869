// SPDX-License-Identifier: MIT
import type { Bridge } from '@shared/contract';

declare global {
  interface Window {
    readonly lamina: Bridge;
  }
}
