#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import { COMMAND_FORMS, type CommandForm } from '@shared/contract';
import { Failure } from '@shared/failure';
import { laminaObstacles } from '@shared/lamina-options';
import { judgeOptions } from '@shared/options';
import { version } from '../../../package.json';
import { renderCommand } from '../commands/render';
import { command } from '../mounts/control';
import { runForeground } from '../mounts/foreground';
import { listMounts } from '../mounts/list';
import { recoverMounts } from '../mounts/recover';
import { startMount, type StartOptions } from '../mounts/start';
import { stopMount } from '../mounts/stop';
import { unmountPath } from '../mounts/unmount-path';
import { MergedView } from '../overlay/merged-view';
import type { Explanation } from '@shared/view';
import { rawArguments } from './arguments';
import { diff, discardCommand, volatileCommand } from './changes-commands';
import { HELP } from './help';
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
import { lettersOf, printBytes, printExplanation, printJson, printMounts, printRows, printText, warn } from './print';
import { runProgram } from './program';

async function mount(args: readonly ByteString[]): Promise<void> {
  const { values, positionals } = parse(
    args,
    { ...STACK, ...JSON_FLAG, foreground: { type: 'boolean', short: 'f' }, transport: { type: 'string' } },
    1,
  );
  const mountpoint = absolute(required(positionals, 'MOUNTPOINT'));
  const transport = values['transport'] ?? 'auto';
  if (transport !== 'auto' && transport !== 'direct' && transport !== 'fuse-native')
    throw new Usage('--transport is direct or fuse-native');
  const { composition, other, whiteouts } = stackFrom(values, mountpoint);
  const source = other.find((word) => word.startsWith('fsname='))?.slice('fsname='.length);
  const options: StartOptions = {
    composition,
    mountpoint,
    transport,
    flags: other,
    engine: { whiteouts },
    ...(source ? { source } : {}),
  };
  for (const notice of await recoverMounts()) warn(notice);
  const notes = (): void => {
    const refused = judgeOptions(composition).findings.find(({ severity }) => severity === 'error');
    if (refused) warn(`note: the kernel would refuse this stack: ${refused.message}`);
  };
  if (values['foreground']) {
    if (laminaObstacles(composition).length === 0) notes();
    return runForeground(options);
  }
  const info = await startMount(options);
  // Only now: of a mount that failed, the reason is all there is to say.
  notes();
  if (values['json']) printJson(info);
}

async function umount(args: readonly ByteString[]): Promise<void> {
  const { values, positionals } = parse(args, { lazy: { type: 'boolean', short: 'l' } }, 1);
  const mountpoint = absolute(required(positionals, 'MOUNTPOINT')).replace(/(?<=.)\/+$/, '');
  await recoverMounts();
  const known = (await listMounts()).find((info) => info.mountpoint === mountpoint);
  if (known) return stopMount(known.id, values['lazy'] === true);
  unmountPath(mountpoint, values['lazy'] === true);
}

async function mounts(args: readonly ByteString[]): Promise<void> {
  const { values } = parse(args, JSON_FLAG, 0);
  for (const notice of await recoverMounts()) warn(notice);
  const live = await listMounts();
  if (!values['json']) return printMounts(live);
  printJson(
    await Promise.all(live.map(async (info) => ({ ...info, ...(await command(info.id, 'status').catch(() => ({}))) }))),
  );
}

function withView(values: Parsed['values'], use: (view: MergedView, composition: Composition) => void): void {
  const { composition, whiteouts } = stackFrom(values, null);
  const view = new MergedView(composition, whiteouts);
  try {
    use(view, composition);
  } finally {
    view.close();
  }
}

/** The explanation of a path. What stands in the middle of one and is no directory ends it, as in any path walk. */
function explained(view: MergedView, path: ByteString): Explanation {
  const explanation = view.explainBytes(path);
  if (!explanation.visible || explanation.path === display(path)) return explanation;
  const kind = explanation.row?.kind ?? 'object';
  throw new Failure(
    'ENOTDIR',
    `${display(path)}: ${explanation.path} is a ${kind}, not a directory (ENOTDIR).`,
    kind === 'symlink'
      ? `Symbolic links are not followed here; this one leads to ${explanation.linkTarget ?? '?'}.`
      : `Ask for ${explanation.path} itself.`,
  );
}

const PAGE = 10_000;

function ls(args: readonly ByteString[]): void {
  const { values, positionals } = parse(args, { ...STACK, ...JSON_FLAG, hidden: { type: 'boolean' } }, 1);
  withView(values, (view, composition) => {
    const path = treePath(positionals[0] ?? '/');
    const explanation = explained(view, path);
    if (!explanation.visible || !explanation.row) {
      throw new Failure(
        explanation.errno ?? 'ENOENT',
        `${display(path)}: ${explanation.summary}`,
        `lamina explain -o … ${explanation.path} tells why.`,
      );
    }
    const isDirectory = explanation.row.kind === 'directory';
    const { rows } = isDirectory
      ? view.children(explanation.row.node, 0, Number.MAX_SAFE_INTEGER, values['hidden'] === true)
      : { rows: [explanation.row] };
    const letters = lettersOf(composition);
    if (values['json'])
      printJson(rows.map(({ node: _, ...row }) => ({ ...row, from: row.layers.map((layer) => letters[layer]) })));
    else for (let at = 0; at < rows.length; at += PAGE) printRows(rows.slice(at, at + PAGE), letters);
  });
}

function explain(args: readonly ByteString[]): void {
  const { values, positionals } = parse(args, { ...STACK, ...JSON_FLAG }, 1);
  withView(values, (view, composition) => {
    const explanation = explained(view, treePath(required(positionals, 'PATH')));
    if (values['json']) printJson(explanation);
    else printExplanation(explanation, composition);
    if (!explanation.visible) process.exitCode = 1;
  });
}

function showCommand(args: readonly ByteString[]): void {
  const { values, positionals } = parse(args, { ...STACK, ...JSON_FLAG, form: { type: 'string' } }, 1);
  const form = (values['form'] ?? 'mount') as CommandForm;
  if (!COMMAND_FORMS.includes(form)) throw new Usage(`--form is one of ${COMMAND_FORMS.join(', ')}`);
  const { composition, other } = stackFrom(values, positionals[0] === undefined ? null : absolute(positionals[0]));
  const rendered = renderCommand(composition, form);
  if (other.length > 0)
    warn(`note: left out, because a composition holds overlay options only: ${display(other.join(','))}`);
  if (values['json']) return printJson(rendered);
  for (const warning of rendered.warnings) warn(warning);
  if (rendered.text === null) process.exitCode = 1;
  else printBytes(rendered.text.replace(/\n$/, ''));
}

const COMMANDS: Readonly<Record<string, (args: readonly ByteString[]) => void | Promise<void>>> = {
  mount,
  umount,
  mounts,
  ls,
  explain,
  diff,
  discard: discardCommand,
  volatile: volatileCommand,
  command: showCommand,
  // Only here: the libraries of registries and analyses would slow every other command down.
  image: async (args) => (await import('./image-commands')).imageCommand(args),
  help: (args) => {
    const [word] = parse(args, {}, 1).positionals;
    if (word !== undefined && !Object.hasOwn(COMMANDS, word)) throw new Usage(`unknown command ${display(word)}`);
    printText(HELP);
  },
  version: (args) => {
    if (parse(args, JSON_FLAG, 0).values['json']) printJson({ version });
    else printText(version);
  },
};

async function main(): Promise<void> {
  const [word, ...args] = rawArguments();
  const name =
    word === undefined || word === '--help' || word === '-h' ? 'help' : word === '--version' ? 'version' : word;
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!run) throw new Usage(`unknown command ${display(name)}`);
  if (args.includes('--help') && name !== 'image') printText(HELP);
  else await run(args);
}

void runProgram(main, 'lamina help', { failed: 1, usage: 2 });
