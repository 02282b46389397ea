import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { comparedHeaders, type Observation } from '../shadow/observation.ts';
import type { ShadowOrigins } from '../shadow/ports.ts';

export interface ShadowOriginsDeps {
  /** Where each side is; from the configuration only. */
  readonly control: URL;
  readonly candidate: URL;
  /** Hard limit of one request, from the connection to the last byte; 2 s when left out. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 2_000;
const mostBodyBytes = 1024 * 1024;

/** Both systems over HTTP. Follows no redirect, keeps no connection, and marks its requests as shadow. */
export function makeShadowOrigins(deps: ShadowOriginsDeps): ShadowOrigins {
  const deadlineMs = deps.deadlineMs ?? defaultDeadlineMs;
  return {
    async observe(side, sample) {
      const startedAt = performance.now();
      const base = side === 'control' ? deps.control : deps.candidate;
      const path = sample.query === '' ? sample.path : `${sample.path}?${sample.query}`;
      const target: Target = { base, path, method: sample.method, signal: AbortSignal.timeout(deadlineMs) };
      const answer = await ask(target).catch((fault: unknown) => ({
        kind: 'failed' as const,
        cause: causeOf(fault),
      }));
      return { ...answer, durationMs: performance.now() - startedAt };
    },
  };
}

interface Target {
  readonly base: URL;
  readonly path: string;
  readonly method: string;
  readonly signal: AbortSignal;
}

type Untimed<Timed> = Timed extends unknown ? Omit<Timed, 'durationMs'> : never;

/** The host comes from the base alone: the path is sent as it is and never resolved against it. */
async function ask({ base, path, method, signal }: Target): Promise<Untimed<Observation>> {
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'x-hal9-shadow': '1', accept: 'application/json' };
    const { hostname, port } = base;
    const request = send({
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path,
      method,
      headers,
      signal,
      agent: false,
    });
    request.on('response', resolve).on('error', reject).end();
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBodyBytes) return { kind: 'failed', cause: 'body too large' };
    chunks.push(chunk);
  }
  return {
    kind: 'answered',
    status: response.statusCode ?? 0,
    headers: meaningfulHeaders(response),
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function meaningfulHeaders(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of comparedHeaders) {
    const value = response.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

function causeOf(fault: unknown): string {
  if (!(fault instanceof Error)) return 'unknown';
  if (fault.name === 'AbortError' || fault.name === 'TimeoutError') return 'deadline passed';
  return (fault as { code?: string }).code ?? fault.name;
}
