// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import type { UpperEntry } from '@shared/composition';
import { Failure } from '@shared/failure';
import { emptyUpper, hasVolatileMark, removeVolatileMark, surveyUpper, type Survey } from '../layers/volatile-mark';
import { withIdleUpper } from './upper-use';

/**
 * Accepts what a volatile mount has left: the marker goes, the upper stays as it is, whole or not (semantics 6).
 * @throws Failure where there is no marker, or the upper is mounted
 */
export async function acceptVolatile({ path, workdir }: UpperEntry): Promise<void> {
  if (!hasVolatileMark(workdir)) {
    throw new Failure(
      'ENOENT',
      `${display(workdir)} has no marker of a volatile mount.`,
      'There is nothing to accept.',
    );
  }
  await withIdleUpper(path, () => removeVolatileMark(workdir));
}

/**
 * Empties an upper and its workdir.
 * @param agreed what the survey said that goes
 * @throws Failure where there is something else by now, or the upper is mounted
 */
export async function discardUpper(upper: UpperEntry, agreed: Survey): Promise<void> {
  await withIdleUpper(upper.path, () => {
    const now = surveyUpper(upper);
    if (now.objects !== agreed.objects || now.bytes !== agreed.bytes) throw changed(upper);
    emptyUpper(upper);
  });
}

const changed = ({ path }: UpperEntry): Failure =>
  new Failure(
    'ECHANGED',
    `${display(path)} has changed since you were shown what is in it: nothing was removed.`,
    'Look again, and decide anew.',
  );
