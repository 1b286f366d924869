// SPDX-License-Identifier: MIT
import { CallError } from './call.svelte';
import { text } from '../text';

export interface Notice {
  readonly id: number;
  readonly kind: 'error' | 'info';
  readonly message: string;
  readonly hint: string;
}

const INFO_MS = 5000;

/** Toasts, and the sentence that the polite live region says. Errors stay until dismissed. */
export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  /** For screen readers only; nothing is drawn. */
  announcement = $state('');
  #next = 1;

  info(message: string): void {
    const id = this.#add('info', message, '');
    setTimeout(() => this.dismiss(id), INFO_MS);
  }

  /** Shows an error as main reported it; never a stack. */
  error(error: unknown): void {
    const report = error instanceof CallError ? error.report : { message: text.app.defect, hint: text.app.defectHint };
    if (!(error instanceof CallError)) console.error(error);
    this.#add('error', report.message, report.hint);
  }

  warn(message: string, hint: string): void {
    this.#add('error', message, hint);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  /** A zero-width space makes the same sentence twice count as a change. */
  announce(sentence: string): void {
    this.announcement = this.announcement === sentence ? `${sentence}\u200b` : sentence;
  }

  #add(kind: Notice['kind'], message: string, hint: string): number {
    const id = this.#next++;
    const others = this.list.filter((notice) => notice.message !== message);
    this.list = [...others, { id, kind, message, hint }].slice(-4);
    return id;
  }
}
