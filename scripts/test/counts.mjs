// SPDX-License-Identifier: MIT
// Counts of checks, and the one line that says them.

/** The sum of a list of counts, and all their failures in one list. */
export function addUp(list) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of list) for (const key of Object.keys(total)) total[key] += counts[key];
  return { ...total, failures: list.flatMap((counts) => counts.failures ?? []) };
}

/** "N passed, N failed", with ", N skipped" only where some were. */
export function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * The counts of a run of Vitest, from its JSON report and exit status. Vitest counts tests: a file that cannot even be
 * loaded, or an error outside of any test, shows only in the status, and counts as one failure.
 */
export function vitestCounts(report, status) {
  const passed = report?.numPassedTests ?? 0;
  const unloaded = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failedTests = report?.numFailedTests ?? 0;
  // What neither passed nor failed: to be done, skipped in the test, or skipped by ordinary-user.mjs.
  const skipped = (report?.numTotalTests ?? 0) - passed - failedTests;
  const failed = failedTests + unloaded.length;
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, skipped };
}

/** What failed in a run of Vitest, a text each: the file and the test, then the first lines of the reason. */
export function vitestFailures(report) {
  return (report?.testResults ?? []).flatMap((file) => {
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return file.status === 'failed' ? [`${file.name}\n${firstLines(file.message ?? '')}`] : [];
    return failed.map(
      (test) => `${file.name} > ${test.fullName}\n${firstLines((test.failureMessages ?? []).join('\n'))}`,
    );
  });
}

function firstLines(text) {
  const lines = text.split('\n').slice(0, 12);
  return lines.map((line) => `    ${line.slice(0, 300)}`).join('\n');
}
