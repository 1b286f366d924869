// SPDX-License-Identifier: MIT

/** Lines that are written in one second; a full disk answers thousands of writes with the same error. */
const MOST_LINES = 10;
const SECOND_MS = 1000;

/**
 * A log that writes the first lines of every second, and after it how many more there were.
 * @param write takes a line
 */
export function limitedLog(write: (line: string) => void): (line: string) => void {
  let lines = 0;
  const endOfSecond = (): void => {
    const left = lines - MOST_LINES;
    lines = 0;
    if (left > 0) write(`${left} more ${left === 1 ? 'line was' : 'lines were'} left out`);
  };
  return (line) => {
    if (lines === 0) setTimeout(endOfSecond, SECOND_MS).unref();
    lines += 1;
    if (lines <= MOST_LINES) write(line);
  };
}
