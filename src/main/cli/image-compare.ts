// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Analysis } from '@shared/analysis';
import { COMPARE_KINDS, COMPARE_LETTERS, type CompareRow, type CompareSummary } from '@shared/compare';
import { formatSize } from '@shared/format-size';
import { analyze } from '../images/analysis/analyze';
import { CI_FILE, readCiFile } from '../images/analysis/ci-file';
import { DEFAULT_THRESHOLDS, evaluateRules, type CiEvaluation, type CiThresholds } from '../images/analysis/ci-rules';
import { compare } from '../images/compare/compare';
import { sideOfLayers, type Side } from '../images/compare/side';
import type { Store } from '../images/store/store';
import { cancellable } from './cancellable';
import { needed, openStore, optionText, parseImage, text } from './image-arguments';
import { printColumns, printJson, printText } from './print';
import { absolute, type Options, type Parsed } from './stack-arguments';

/** An image by its name, or an unpacked layer by its path. */
function sideOf(store: Store, what: ByteString): Side {
  if (/^\.{0,2}\//.test(what)) return sideOfLayers([absolute(what)]);
  return sideOfLayers(store.image(text(what, 'IMAGE')).layers.map(({ folder }) => folder));
}

/** `m /etc/hosts [mode, owner]` */
const rowLine = ({ kind, path, differs }: CompareRow): string =>
  `${COMPARE_LETTERS[kind!]} ${path}${differs.length > 0 ? ` [${differs.join(', ')}]` : ''}`;

function summaryLine({ counts, addedBytes, removedBytes }: CompareSummary): string {
  const found = COMPARE_KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  if (found.length === 0) return 'No difference.';
  return `${found.join(', ')}; ${formatSize(addedBytes)} more, ${formatSize(removedBytes)} less.`;
}

/** `lamina image diff`: what differs between the trees of two images or layers. */
export async function diffImages(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, {}, 2);
  const [left, right] = needed(parsed, 'A', 'B');
  const store = await openStore(parsed);
  const hold = await store.hold();
  try {
    const sides = [sideOf(store, left!), sideOf(store, right!)] as const;
    const { summary, changes } = await cancellable((signal) => compare(...sides, signal));
    const rows = [...changes].filter(({ kind }) => kind !== null);
    if (parsed.values['json']) return printJson({ summary, changes: rows.map(({ node: _, ...row }) => row) });
    for (const row of rows) printText(rowLine(row));
    printText(summaryLine(summary));
  } finally {
    hold.release();
  }
}

const RULES: Options = {
  ci: { type: 'boolean' },
  'ci-config': { type: 'string' },
  'lowest-efficiency': { type: 'string' },
  'highest-wasted-bytes': { type: 'string' },
  'highest-user-wasted-percent': { type: 'string' },
};

/** dive's order: the options, then the file, then its defaults. */
async function thresholdsOf(parsed: Parsed): Promise<CiThresholds> {
  const file = parsed.values['ci-config'] as ByteString | undefined;
  const fromFile = await readCiFile(absolute(file ?? CI_FILE), file === undefined);
  const given = {
    lowestEfficiency: optionText(parsed, 'lowest-efficiency'),
    highestWastedBytes: optionText(parsed, 'highest-wasted-bytes'),
    highestUserWastedPercent: optionText(parsed, 'highest-user-wasted-percent'),
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...(fromFile ?? DEFAULT_THRESHOLDS), ...set };
}

/** Rows of each list that a person is shown. */
const MOST = 20;

/** `lamina image analyze`: where the space of an image goes; with `--ci` whether that is good enough. */
export async function analyzeImage(args: readonly ByteString[]): Promise<void> {
  const parsed = parseImage(args, RULES, 1);
  const [name] = needed(parsed, 'IMAGE');
  const store = await openStore(parsed);
  const image = store.image(text(name!, 'IMAGE'));
  const thresholds = parsed.values['ci'] ? await thresholdsOf(parsed) : null;
  const hold = await store.hold();
  try {
    const folders = image.layers.map(({ folder }) => folder);
    const analysis = await cancellable((signal) => analyze(folders, signal));
    const judged = thresholds && evaluateRules(analysis.efficiency, thresholds);
    if (parsed.values['json']) printJson(shown(analysis, judged));
    else {
      printAnalysis(analysis);
      if (judged) printRules(judged);
    }
    if (judged && !judged.pass) process.exitCode = 1;
  } finally {
    hold.release();
  }
}

const withPath = <T extends { readonly path: ByteString }>(item: T): T => ({ ...item, path: display(item.path) });

const shown = (analysis: Analysis, ci: CiEvaluation | null): object => ({
  ...analysis,
  inefficient: analysis.inefficient.map(withPath),
  biggest: analysis.biggest.map(withPath),
  hidden: analysis.hidden.map(withPath),
  duplicates: analysis.duplicates.map((each) => ({ ...each, files: each.files.map(withPath) })),
  ...(ci ? { ci } : {}),
});

function printAnalysis({ layers, efficiency, inefficient, biggest, duplicates, spareBytes }: Analysis): void {
  printColumns(
    [
      ['LAYER', 'ADDED', 'HIDDEN', 'HIDES', 'FILES', 'WHITEOUTS'],
      ...layers.map((each) => [
        String(each.layer + 1),
        formatSize(each.addedBytes),
        formatSize(each.hiddenBytes),
        formatSize(each.hides.overwritten + each.hides.deleted + each.hides.copied),
        String(each.files),
        String(each.whiteouts + each.opaques),
      ]),
    ],
    [0, 1, 2, 3, 4, 5],
  );
  list('Stored or removed more than once:', inefficient, ({ bytes, count, path }) => [
    formatSize(bytes),
    `${count} times`,
    display(path),
  ]);
  list('Biggest:', biggest, ({ bytes, layer, path }) => [formatSize(bytes), `layer ${layer + 1}`, display(path)]);
  list('Of the same content:', duplicates, ({ bytes, files }) => [
    formatSize(bytes),
    `${files.length} files`,
    files
      .slice(0, 3)
      .map(({ path }) => display(path))
      .join(' '),
  ]);
  const { score, wastedBytes, userWastedPercent } = efficiency;
  printText(`Efficiency ${(score * 100).toFixed(2)} %, ${formatSize(wastedBytes)} wasted`);
  printText(
    `Of what stands above the lowest layer ${(userWastedPercent * 100).toFixed(2)} % is wasted; ` +
      `equal files could spare ${formatSize(spareBytes)}`,
  );
}

function list<T>(title: string, items: readonly T[], cells: (item: T) => string[]): void {
  if (items.length === 0) return;
  printText(title);
  printColumns(
    items.slice(0, MOST).map((item) => ['', ...cells(item)]),
    [1],
  );
  if (items.length > MOST) printText(`  and ${items.length - MOST} more (--json has all)`);
}

function printRules({ pass, results }: CiEvaluation): void {
  for (const { status, rule, threshold, message } of results)
    printText(`${status.toUpperCase()} ${rule} (${threshold})${message === '' ? '' : `: ${message}`}`);
  printText(`Result: ${pass ? 'PASS' : 'FAIL'}`);
}
