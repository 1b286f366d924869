// SPDX-License-Identifier: MIT
// What the set-up tells the user. On stderr: stdout belongs to the program that is being set up.

/** One line of progress. */
export function say(line) {
  process.stderr.write(`lamina: ${line}\n`);
}

/** An end that the user can do something about: its message is all there is to say, without a stack. */
export class SetUpFailure extends Error {}

/** Runs a script's main function; a set-up failure becomes its message and exit status 1. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetUpFailure)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
