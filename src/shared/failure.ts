// SPDX-License-Identifier: MIT
import type { ErrorReport } from './contract';

/**
 * An error that a user is told: `message` names the path and the reason, `hint` the way out. Anything else that is
 * thrown is a defect of Lamina's and is reported as such.
 */
export class Failure extends Error {
  override readonly name = 'Failure';

  /**
   * @param code    errno name (`ENOENT`) or Lamina's own word (`not-a-layer`)
   * @param message what failed, on which path
   * @param hint    what to do next
   */
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }

  get report(): ErrorReport {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}
