import type { RequestListener } from 'node:http';

import * as z from 'zod/mini';

import { failure, readBody, success, writeAnswer, type Answer } from './answer.ts';
import type { Fault, Faults } from './faults.ts';

const faultSchema = z.strictObject({
  kind: z.enum(['errors', 'latency', 'hang', 'health']),
  rate: z.optional(z.number().check(z.gte(0), z.lte(1))),
  latencyMs: z.optional(z.number().check(z.gte(0), z.lte(60_000))),
});

/** `GET|POST|DELETE /faults` on a port of its own, for whoever rehearses a rollback. */
export function makeFaultsApi(faults: Faults): RequestListener {
  return (request, response) => {
    const answering = async (): Promise<Answer> => {
      if (request.url !== '/faults') return failure(404, 'NotFound', 'there is only /faults here');
      if (request.method === 'DELETE') faults.clear();
      else if (request.method === 'POST') {
        const fault = parseFault(await readBody(request, 10_000));
        if (fault === null) return failure(400, 'InvalidFault', 'the body is no fault');
        faults.inject(fault);
      } else if (request.method !== 'GET') {
        return failure(405, 'MethodNotAllowed', 'use GET, POST or DELETE');
      }
      return success(faults.current());
    };
    answering().then(
      (answer) => writeAnswer(response, answer),
      (error: unknown) => writeAnswer(response, failure(500, 'InternalError', String(error))),
    );
  };
}

function parseFault(body: string | null): Fault | null {
  try {
    const { kind, rate, latencyMs } = z.parse(faultSchema, JSON.parse(body ?? ''));
    return { kind, rate: rate ?? 1, latencyMs: latencyMs ?? 0 };
  } catch {
    return null;
  }
}
