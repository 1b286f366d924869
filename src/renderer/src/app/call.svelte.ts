// SPDX-License-Identifier: MIT
import type { ErrorReport, RequestName, RequestParams, Results } from '@shared/contract';

/** An answer that was an error, with what the user is told. */
export class CallError extends Error {
  constructor(readonly report: ErrorReport) {
    super(report.message);
  }
}

/** Calls main; throws a `CallError` where the answer is an error. Proxies of runes are taken off first. */
export async function call<N extends RequestName>(name: N, params: RequestParams<N>): Promise<Results[N]> {
  const answer = await window.lamina.invoke(name, $state.snapshot(params) as RequestParams<N>);
  if (!answer.ok) throw new CallError(answer.error);
  return answer.value;
}
