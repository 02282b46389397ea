import type { CachePolicyPlan } from './distribution-plan.ts';
import type { EdgeHeaders, EdgeRequest } from './edge-request.ts';

export interface CachedResponse {
  readonly status: number;
  readonly headers: EdgeHeaders;
  readonly body: Buffer;
  readonly storedAtMs: number;
  readonly expiresAtMs: number;
}

export interface ResponseCache {
  get(key: string, nowMs: number): CachedResponse | null;
  put(key: string, response: CachedResponse): void;
}

const maxEntries = 1_000;
/** Larger answers pass through uncached. */
export const largestCachedBytes = 1024 * 1024;

export function makeResponseCache(): ResponseCache {
  const entries = new Map<string, CachedResponse>();
  return {
    get(key, nowMs) {
      const found = entries.get(key);
      if (found === undefined) return null;
      if (found.expiresAtMs > nowMs) return found;
      entries.delete(key);
      return null;
    },
    put(key, response) {
      entries.delete(key);
      entries.set(key, response);
      const oldest = entries.keys().next();
      if (entries.size > maxEntries && oldest.done !== true) entries.delete(oldest.value);
    },
  };
}

/** null when this request is never answered from the cache. */
export function cacheKey(policy: CachePolicyPlan | null, request: EdgeRequest): string | null {
  if (policy === null || policy.maxTtlS === 0) return null;
  if (request.method !== 'GET' && request.method !== 'HEAD') return null;
  const headers = policy.headers.map((name) => [name, request.headers[name] ?? []]);
  const cookies = (request.headers['cookie'] ?? []).flatMap((line) => line.split(/;\s*/));
  return JSON.stringify([
    request.method,
    request.uri,
    selected(policy.queries, request.querystring === '' ? [] : request.querystring.split('&')),
    headers,
    selected(policy.cookies, cookies),
  ]);
}

function selected(rule: 'all' | 'none' | readonly string[], pairs: readonly string[]): readonly string[] {
  if (rule === 'none') return [];
  if (rule === 'all') return pairs;
  return pairs.filter((pair) => rule.includes(pair.split('=', 1)[0] ?? ''));
}

/** Seconds for which the answer may be reused: what the origin says, within the policy's bounds. */
export function lifetimeS(policy: CachePolicyPlan, status: number, headers: EdgeHeaders): number {
  if (status !== 200 && status !== 301 && status !== 404 && status !== 410) return 0;
  const control = (headers['cache-control'] ?? []).join(',').toLowerCase();
  if (policy.minTtlS === 0 && /\b(?:no-store|no-cache|private)\b/.test(control)) return 0;
  const age = /\bs-maxage=(\d+)/.exec(control)?.[1] ?? /\bmax-age=(\d+)/.exec(control)?.[1];
  const wanted = age === undefined ? policy.defaultTtlS : Number(age);
  return Math.min(Math.max(wanted, policy.minTtlS), policy.maxTtlS);
}
