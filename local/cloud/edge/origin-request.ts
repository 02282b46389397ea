import { isDeepStrictEqual } from 'node:util';

import type { InvocationResult } from '../lambda/invocation.ts';
import type { DistributionPlan, OriginPlan } from './distribution-plan.ts';
import type { EdgeHeaders, EdgeRequest, GeneratedResponse } from './edge-request.ts';

/** What the origin-request function decided. `invalid` is answered with 502, as CloudFront does. */
export type OriginDecision =
  | { readonly kind: 'forward'; readonly request: EdgeRequest; readonly origin: OriginPlan }
  | { readonly kind: 'respond'; readonly response: GeneratedResponse }
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Runs Lambda@Edge at origin request; never rejects. */
export type OriginRequestFunction = (
  request: EdgeRequest,
  call: { readonly requestId: string; readonly viewerIp: string },
) => Promise<OriginDecision>;

/** Lambda@Edge at origin events. */
const functionTimeoutMs = 30_000;
const generatedBodyLimitBytes = 1024 * 1024;

const readOnly: readonly string[] = [
  'accept-encoding',
  'content-length',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'transfer-encoding',
  'via',
];

const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'trailer',
  'upgrade',
  'x-accel-buffering',
  'x-accel-charset',
  'x-accel-limit-rate',
  'x-accel-redirect',
  'x-amzn-auth',
  'x-amzn-cf-billing',
  'x-amzn-cf-id',
  'x-amzn-cf-xff',
  'x-amzn-errortype',
  'x-amzn-fle-profile',
  'x-amzn-header-count',
  'x-amzn-header-order',
  'x-amzn-lambda-integration-tag',
  'x-amzn-requestid',
  'x-cache',
  'x-forwarded-proto',
  'x-real-ip',
]);
const forbiddenPrefixes = ['x-amz-cf-', 'x-edge-'];

type EventHeaders = Record<string, { key?: string; value: string }[]>;

interface EventOrigin {
  readonly custom?: {
    readonly domainName?: unknown;
    readonly port?: unknown;
    readonly protocol?: unknown;
    readonly path?: unknown;
    readonly readTimeout?: unknown;
    readonly customHeaders?: unknown;
  };
}

interface EventRequest {
  readonly method?: unknown;
  readonly uri?: unknown;
  readonly querystring?: unknown;
  readonly headers?: unknown;
  readonly origin?: EventOrigin;
}

interface EventResponse {
  readonly status?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly bodyEncoding?: unknown;
}

export interface OriginRequestDeps {
  readonly plan: DistributionPlan;
  invoke(payload: string): Promise<InvocationResult | null>;
}

export function makeOriginRequestFunction(deps: OriginRequestDeps): OriginRequestFunction {
  const { plan } = deps;
  const invoke = (payload: string): ReturnType<OriginRequestDeps['invoke']> => deps.invoke(payload);
  return async (request, call) => {
    const event = originRequestEvent(plan, request, call);
    let result = await withinTimeout(invoke(JSON.stringify(event)));
    // A sandbox that was killed under the request is a fault of this machine; the edge has others.
    if (result?.kind === 'failed' && result.lost) {
      result = await withinTimeout(invoke(JSON.stringify(event)));
    }
    if (result === null) return { kind: 'failed', reason: 'no answer of the function' };
    if (result.kind === 'failed') {
      return { kind: 'failed', reason: `${result.fault.errorType}: ${result.fault.errorMessage}` };
    }
    return decisionOf(request, plan.origin, JSON.parse(result.payload) as unknown);
  };
}

async function withinTimeout(work: Promise<InvocationResult | null>): Promise<InvocationResult | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), functionTimeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function originRequestEvent(
  plan: DistributionPlan,
  request: EdgeRequest,
  call: { readonly requestId: string; readonly viewerIp: string },
): object {
  const { origin } = plan;
  return {
    Records: [
      {
        cf: {
          config: {
            distributionDomainName: plan.domainName,
            distributionId: plan.id,
            eventType: 'origin-request',
            requestId: call.requestId,
          },
          request: {
            clientIp: call.viewerIp,
            method: request.method,
            uri: request.uri,
            querystring: request.querystring,
            headers: eventHeaders(request.headers),
            origin: {
              custom: {
                customHeaders: eventHeaders(
                  Object.fromEntries(
                    Object.entries(origin.customHeaders).map(([name, value]) => [name, [value]]),
                  ),
                ),
                domainName: origin.domainName,
                keepaliveTimeout: 5,
                path: origin.path,
                port: origin.port,
                protocol: origin.protocol,
                readTimeout: origin.readTimeoutS,
                sslProtocols: ['TLSv1.2'],
              },
            },
          },
        },
      },
    ],
  };
}

function eventHeaders(headers: EdgeHeaders): EventHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [
      name,
      values.map((value) => ({ key: canonicalName(name), value })),
    ]),
  );
}

function canonicalName(name: string): string {
  return name.replaceAll(
    /(^|-)([a-z])/g,
    (_match, dash: string, letter: string) => dash + letter.toUpperCase(),
  );
}

/** Reads and checks what the function returned. */
export function decisionOf(before: EdgeRequest, original: OriginPlan, answer: unknown): OriginDecision {
  if (typeof answer !== 'object' || answer === null) return invalid('the function returned no object');
  if ('status' in answer) return generated(answer);
  const changed = answer as EventRequest;
  const headers = headersOf(changed.headers);
  if (headers === null) return invalid('headers must be lists of {key, value} by lower-case name');
  const fault = headerFault(before.headers, headers);
  if (fault !== null) return invalid(fault);
  if (changed.method !== before.method) return invalid('the method is read-only');
  if (typeof changed.uri !== 'string' || !changed.uri.startsWith('/'))
    return invalid('uri must begin with /');
  if (typeof changed.querystring !== 'string') return invalid('querystring must be a text');
  const origin = originOf(original, changed.origin);
  if (origin === null) return invalid('origin.custom needs domainName, port and protocol');
  const request = { method: before.method, uri: changed.uri, querystring: changed.querystring, headers };
  return { kind: 'forward', request, origin };
}

function invalid(reason: string): OriginDecision {
  return { kind: 'invalid', reason };
}

function headersOf(value: unknown): EdgeHeaders | null {
  if (typeof value !== 'object' || value === null) return null;
  const headers: Record<string, readonly string[]> = {};
  for (const [name, list] of Object.entries(value)) {
    if (name !== name.toLowerCase() || !Array.isArray(list)) return null;
    const values = (list as { key?: unknown; value?: unknown }[]).map((entry) =>
      isKeyOf(entry.key, name) ? entry.value : undefined,
    );
    if (values.some((each) => typeof each !== 'string')) return null;
    headers[name] = values as string[];
  }
  return headers;
}

function isKeyOf(key: unknown, name: string): boolean {
  return key === undefined || (typeof key === 'string' && key.toLowerCase() === name);
}

function headerFault(before: EdgeHeaders, after: EdgeHeaders): string | null {
  const added = Object.keys(after).find((name) => isForbidden(name) && before[name] === undefined);
  if (added !== undefined) return `the header ${added} may not be added`;
  const changed = readOnly.find((name) => !isDeepStrictEqual(before[name], after[name]));
  return changed === undefined ? null : `the header ${changed} is read-only`;
}

function isForbidden(name: string): boolean {
  return forbidden.has(name) || forbiddenPrefixes.some((prefix) => name.startsWith(prefix));
}

function originOf(original: OriginPlan, origin: EventOrigin | undefined): OriginPlan | null {
  const custom = origin?.custom;
  if (custom === undefined) return original;
  const { domainName, port, protocol } = custom;
  const customHeaders = headersOf(custom.customHeaders ?? {});
  if (customHeaders === null) return null;
  if (typeof domainName !== 'string' || typeof port !== 'number') return null;
  if (protocol !== 'http' && protocol !== 'https') return null;
  return {
    domainName,
    port,
    protocol,
    path: typeof custom.path === 'string' ? custom.path : '',
    readTimeoutS: typeof custom.readTimeout === 'number' ? custom.readTimeout : original.readTimeoutS,
    customHeaders: Object.fromEntries(
      Object.entries(customHeaders).map(([name, values]) => [name, values.join(', ')]),
    ),
  };
}

function generated(answer: EventResponse): OriginDecision {
  const status = Number(answer.status);
  if (!Number.isInteger(status) || status < 200 || status > 599) return invalid('status must be 200 to 599');
  const headers = headersOf(answer.headers ?? {});
  if (headers === null) return invalid('headers must be lists of {key, value} by lower-case name');
  const text = typeof answer.body === 'string' ? answer.body : '';
  const body = Buffer.from(text, answer.bodyEncoding === 'base64' ? 'base64' : 'utf8');
  if (body.length > generatedBodyLimitBytes) return invalid('a generated body may have 1 MB');
  return { kind: 'respond', response: { status, headers, body } };
}
