import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { HalError } from '../../lib/kernel/errors.ts';
import { failure, readBody, success, writeAnswer, type Answer } from './answer.ts';
import type { EditionsApi } from './editions-api.ts';
import type { Faults } from './faults.ts';
import type { RecordsApi, System } from './records-api.ts';

/** Largest body that a service takes. */
const bodyLimitBytes = 1 << 20;

/** One HAL9 system as an HTTP server shows it: its health, its records, and the faults injected into it. */
export function makeService(deps: {
  system: System;
  api: RecordsApi;
  faults: Faults;
  editions?: EditionsApi;
}): RequestListener {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('x-hal9-served-by', deps.system);
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/health') {
      writeAnswer(response, health(deps));
      return;
    }
    const edition = deps.editions?.answer(path) ?? null;
    if (edition !== null) {
      writeAnswer(response, edition);
      return;
    }
    const verdict = await deps.faults.meet(response);
    if (verdict === 'abandoned') return;
    if (verdict === 'fail-before') {
      writeAnswer(response, injectedFailure());
      return;
    }
    const answer = await answerOrFail(deps.api, request, path);
    writeAnswer(response, verdict === 'fail-after' ? injectedFailure() : answer);
  };
  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      writeAnswer(response, failure(500, 'InternalError', String(error)));
    });
  };
}

function health(deps: { system: System; faults: Faults }): Answer {
  if (deps.faults.current()?.kind === 'health') return failure(503, 'Unhealthy', 'this system is unwell');
  return success({ status: 'healthy', system: deps.system });
}

function injectedFailure(): Answer {
  return failure(500, 'InjectedFault', 'this request failed on purpose');
}

/** Faults of a row that the store refused as a whole, by name. */
const refusals: ReadonlyMap<string, number> = new Map([
  ['UnknownColumn', 400],
  ['RowConflict', 409],
]);

async function answerOrFail(api: RecordsApi, request: IncomingMessage, path: string): Promise<Answer> {
  try {
    return await api.answer(request.method ?? 'GET', path, () => readBody(request, bodyLimitBytes));
  } catch (error) {
    const refusal = error instanceof HalError ? refusals.get(error.name) : undefined;
    // Of any other write that ends here nobody knows whether it had its effect, which is what a 5xx says.
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return failure(refusal ?? 500, name, message);
  }
}
