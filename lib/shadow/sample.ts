import * as z from 'zod/mini';

import { murmur3 } from '../kernel/murmur3.ts';
import { everybodyThousandths } from '../kernel/percent.ts';

/** A safe request that users have made and that is asked of both systems again. */
export interface ShadowSample {
  readonly method: 'GET' | 'HEAD';
  /** Absolute path as the viewer sent it. */
  readonly path: string;
  /** Raw query string without `?`; empty when there is none. */
  readonly query: string;
  readonly requestId: string;
  readonly atMs: number;
}

const longestUrl = 8192;

const shadowSample = z.strictObject({
  method: z.enum(['GET', 'HEAD']),
  // One slash only: `//host` would be a URL of its own.
  path: z.string().check(z.maxLength(longestUrl), z.regex(/^\/(?!\/)[^\s?#\\]*$/)),
  query: z.string().check(z.maxLength(longestUrl), z.regex(/^[^\s#]*$/)),
  requestId: z.string().check(z.minLength(1), z.maxLength(256)),
  atMs: z.number().check(z.gte(0)),
});

/** Total: null for a text that is no sample, however it came into the queue. */
export function parseShadowSample(text: string): ShadowSample | null {
  try {
    const parsed = z.safeParse(shadowSample, JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What of a finished request decides about its replay. */
export interface SampleCandidate {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly requestId: string;
  readonly atMs: number;
}

/** A sample of a finished request, or null when it may not be replayed or is not drawn. Stable per request id. */
export function drawSample(request: SampleCandidate, sampleThousandths: number): ShadowSample | null {
  if (!isDrawn(request.requestId, sampleThousandths)) return null;
  const { method, path, query, requestId, atMs } = request;
  return parseShadowSample(JSON.stringify({ method, path, query, requestId, atMs }));
}

function isDrawn(requestId: string, sampleThousandths: number): boolean {
  const place = Math.floor((murmur3(`shadow:${requestId}`, 0) * everybodyThousandths) / 2 ** 32);
  return place < sampleThousandths;
}
