// SPDX-License-Identifier: MIT
import * as v from 'valibot';
import type { Answer, RequestName, Results } from '@shared/contract';
import { REQUESTS } from '@shared/contract';
import { Failure } from '@shared/failure';

/** What answers each call; the parameters have passed the contract's schema. */
export type Handlers = {
  readonly [N in RequestName]: (params: v.InferOutput<(typeof REQUESTS)[N]>) => Results[N] | Promise<Results[N]>;
};

/** Far above any honest call; a composition of 4,000 layers with the longest paths stays below. */
const SIZE_LIMIT = 64 << 20;
const DEPTH_LIMIT = 12;

function refuse(code: string, message: string): Answer<never> {
  return { ok: false, error: { code, message, hint: 'This is a defect in Lamina; please report it.' } };
}

/** Bounds what the schema check has to look at: depth first, then bytes of text. */
function withinLimits(value: unknown, depth = 0, budget = { left: SIZE_LIMIT }): boolean {
  if (depth > DEPTH_LIMIT) return false;
  if (typeof value === 'string') return (budget.left -= value.length) >= 0;
  if (typeof value !== 'object' || value === null) return (budget.left -= 8) >= 0;
  return Object.entries(value).every(([key, item]) => {
    budget.left -= key.length;
    return withinLimits(item, depth + 1, budget);
  });
}

/**
 * The one gate between page and main: name known, size, schema, handler, envelope. The sender is checked by the
 * caller, who has the event. A thrown `Failure` becomes its report; anything else is logged and named a defect,
 * without its stack.
 */
export function createGateway(handlers: Handlers, log: (error: unknown) => void) {
  return async (name: unknown, params: unknown): Promise<Answer<unknown>> => {
    if (typeof name !== 'string' || !Object.hasOwn(REQUESTS, name)) return refuse('bad-call', 'Unknown call.');
    const request = name as RequestName;
    if (!withinLimits(params)) return refuse('bad-call', `The call ${request} is too large.`);
    const checked = v.safeParse(REQUESTS[request] as v.GenericSchema, params);
    if (!checked.success) {
      return refuse('bad-call', `The call ${request} has a wrong ${v.getDotPath(checked.issues[0]) ?? 'shape'}.`);
    }
    try {
      const handler = handlers[request] as (params: unknown) => unknown;
      return { ok: true, value: await handler(checked.output) };
    } catch (error) {
      const known = failureReport(error);
      if (known) return { ok: false, error: known };
      log(error);
      return refuse('defect', `Lamina could not carry out ${request}.`);
    }
  };
}

/** Failures may come out of the worker thread, where structured clone has taken their class away. */
function failureReport(error: unknown) {
  if (error instanceof Failure) return error.report;
  if (!(error instanceof Error) || error.name !== 'Failure') return null;
  const { code, hint } = error as Partial<Failure>;
  return { code: code ?? 'failure', message: error.message, hint: hint ?? '' };
}
