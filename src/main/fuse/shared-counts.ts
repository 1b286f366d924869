// SPDX-License-Identifier: MIT
import { OPCODE_LIMIT } from './protocol';

/** Numbers that the session's thread shares with the one that reports them: requests by opcode, and behind them these. */
export const AT = {
  nodes: OPCODE_LIMIT,
  bytesRead: OPCODE_LIMIT + 1,
  bytesWritten: OPCODE_LIMIT + 2,
  copyUps: OPCODE_LIMIT + 3,
  copyUpBytes: OPCODE_LIMIT + 4,
} as const;

export const SHARED_NUMBERS = OPCODE_LIMIT + 5;
