// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Change } from '@shared/changes';
import { CHANGE_LETTERS, type DiscardPlan } from '@shared/changes';
import type { Composition, UpperEntry } from '@shared/composition';
import { Failure } from '@shared/failure';
import { engineOptions } from '@shared/lamina-options';
import { hasVolatileMark, surveyUpper, type Survey } from '../layers/volatile-mark';
import { compositionOf, refuseOciWhiteouts, whiteoutsOf } from '../mounts/composition-of';
import { discard, planOf } from '../mounts/discard';
import { listMounts } from '../mounts/list';
import { acceptVolatile, discardUpper } from '../mounts/volatile';
import { changesOf } from '../overlay/changes';
import { OverlayStack } from '../overlay/stack';
import { plural, printJson, printText, warn } from './print';
import {
  absolute,
  JSON_FLAG,
  parse,
  required,
  STACK,
  stackFrom,
  treePath,
  Usage,
  type Parsed,
} from './stack-arguments';

/** The stack of the `-o` texts, or else of the live mount that the first argument names; and the other arguments. */
async function subjectOf({
  values,
  positionals,
}: Parsed): Promise<{ readonly composition: Composition; readonly rest: readonly ByteString[] }> {
  if (values['options']) {
    const { composition, whiteouts } = stackFrom(values, null);
    refuseOciWhiteouts(whiteouts);
    return { composition, rest: positionals };
  }
  const mountpoint = absolute(required(positionals, '-o OPTIONS or MOUNTPOINT')).replace(/(?<=.)\/+$/, '');
  const mount = (await listMounts()).find((info) => info.mountpoint === mountpoint);
  if (!mount) {
    throw new Failure(
      'ENOENT',
      `${display(mountpoint)} is not a live mount of Lamina's.`,
      'lamina mounts lists them; of another stack give the layers: -o lowerdir=…,upperdir=….',
    );
  }
  refuseOciWhiteouts(whiteoutsOf(mount));
  return { composition: compositionOf(mount), rest: positionals.slice(1) };
}

/** `m /etc/hosts [mode, owner]`, `R /old -> /new`. */
function changeLine({ kind, path, oldPath, differs, error }: Change): string {
  const from = oldPath === null ? '' : `${display(oldPath)} -> `;
  const notes = [...differs, ...(error === null ? [] : [error])];
  // What a new content changes besides says nothing more.
  const shown = kind === 'modified' ? notes.filter((note) => note !== 'mtime') : notes;
  return `${CHANGE_LETTERS[kind]} ${from}${display(path)}${shown.length > 0 ? ` [${shown.join(', ')}]` : ''}`;
}

const shownPath = <T extends { readonly path: ByteString; readonly oldPath: ByteString | null }>(item: T): T => ({
  ...item,
  path: display(item.path),
  oldPath: item.oldPath === null ? null : display(item.oldPath),
});

/** `lamina diff`: one change a line, or as JSON. */
export async function diff(args: readonly ByteString[]): Promise<void> {
  const parsed = parse(args, { ...STACK, ...JSON_FLAG }, 1);
  const { composition, rest } = await subjectOf(parsed);
  if (rest.length > 0) throw new Usage(`too many arguments: ${display(rest.join(' '))}`);
  const stack = new OverlayStack(composition, engineOptions(composition));
  try {
    const changes = changesOf(stack);
    if (parsed.values['json']) {
      printJson(
        changes.map(({ whiteout: _, ...change }) => ({ letter: CHANGE_LETTERS[change.kind], ...shownPath(change) })),
      );
    } else if (changes.length > 0) printText(changes.map(changeLine).join('\n'));
  } finally {
    stack.close();
  }
}

const NOTHING_DONE = 'Nothing was removed. Add --yes to do it.';

function printPlan({ items, objects, whiteouts, bytes }: DiscardPlan): void {
  const lines = items.map((item) => {
    const { kind, path, oldPath } = item;
    const counts = [
      ...(item.restores ? ['metadata set back'] : []),
      ...(item.objects > 0 ? [plural(item.objects, 'object')] : []),
      ...(item.whiteouts > 0 ? [plural(item.whiteouts, 'whiteout')] : []),
      ...(item.bytes > 0 ? [plural(item.bytes, 'byte')] : []),
    ];
    const from = oldPath === null ? '' : `${display(oldPath)} -> `;
    return `${CHANGE_LETTERS[kind]} ${from}${display(path)} [${counts.join(', ')}]`;
  });
  printText(
    [
      ...lines,
      `In all: ${plural(objects, 'object')} and ${plural(whiteouts, 'whiteout')}, ${plural(bytes, 'byte')}.`,
    ].join('\n'),
  );
}

/** `lamina discard`: says what goes; with `--yes` it goes. */
export async function discardCommand(args: readonly ByteString[]): Promise<void> {
  const flags = {
    all: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
  } as const;
  const parsed = parse(args, { ...STACK, ...JSON_FLAG, ...flags }, Infinity);
  const { values } = parsed;
  const { composition, rest } = await subjectOf(parsed);
  if (values['all'] && rest.length > 0) throw new Usage('give PATHs or --all, not both');
  if (!values['all'] && rest.length === 0) throw new Usage('PATH or --all is missing');
  const paths = values['all'] ? null : rest.map(treePath);
  const { plan } = await planOf(composition, paths);
  if (values['json']) printJson({ ...plan, items: plan.items.map(shownItem) });
  else printPlan(plan);
  if (values['dry-run']) return;
  if (!values['yes']) return declined();
  await discard(composition, paths, plan.token);
}

const shownItem = (item: DiscardPlan['items'][number]): object => ({
  ...shownPath(item),
  removes: item.removes.map(display),
});

function declined(): void {
  warn(NOTHING_DONE);
  process.exitCode = 1;
}

function upperOf({ upper }: Composition): UpperEntry {
  if (upper?.workdir) return upper;
  throw new Failure('no-upper', 'The stack has no upper with a workdir.', 'Give upperdir= and workdir=.');
}

/** `lamina volatile`: whether there is a marker; accepts what is in the upper, or empties it. */
export async function volatileCommand(args: readonly ByteString[]): Promise<void> {
  const flags = {
    accept: { type: 'boolean' },
    discard: { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
  } as const;
  const { values } = parse(args, { ...STACK, ...JSON_FLAG, ...flags }, 0);
  if (values['accept'] && values['discard']) throw new Usage('give --accept or --discard, not both');
  const upper = upperOf(stackFrom(values, null).composition);
  const survey = surveyUpper(upper);
  if (values['accept']) return acceptVolatile(upper);
  tellMark(upper, survey, values['json'] === true);
  if (!values['discard']) return;
  if (!values['yes']) return declined();
  await discardUpper(upper, survey);
}

function tellMark(upper: UpperEntry, survey: Survey, json: boolean): void {
  const dirty = hasVolatileMark(upper.workdir);
  if (json)
    return printJson({ upper: display(upper.path), workdir: display(upper.workdir), volatile: dirty, ...survey });
  printText(
    dirty
      ? `${display(upper.path)} was written by a volatile mount: after a crash its files may be short, empty or old.\n` +
          `No mount takes it while ${display(upper.workdir)}/work/incompat/volatile is there (EINVAL).`
      : `${display(upper.path)} has no marker of a volatile mount.`,
  );
  printText(`It holds ${plural(survey.objects, 'object')}, ${plural(survey.bytes, 'byte')}.`);
}
