import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';

import type { KeyValueEngine, StreamEngine } from '../../engines/ports.ts';
import type { InvocationResult } from '../lambda/invocation.ts';
import { listenOnLoopback } from '../listen.ts';
import type { Listening } from '../listen.ts';
import type { DistributionPlan, OriginPlan } from './distribution-plan.ts';
import { headersFromRaw, splitUrl, withoutHeaders } from './edge-request.ts';
import type { EdgeHeaders, EdgeRequest, GeneratedResponse } from './edge-request.ts';
import { makeOriginClient } from './origin-client.ts';
import type { OriginClient } from './origin-client.ts';
import { makeOriginRequestFunction } from './origin-request.ts';
import type { OriginRequestFunction } from './origin-request.ts';
import { edgeLocation, outcomeLine } from './outcome-line.ts';
import type { FinishedRequest } from './outcome-line.ts';
import { cacheKey, largestCachedBytes, lifetimeS, makeResponseCache } from './response-cache.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';
import { makeViewerFunction } from './viewer-function.ts';
import type { ViewerFunction } from './viewer-function.ts';

/** A request body is held in memory, so that it can be sent again on a stale connection. */
const largestBodyBytes = 32 * 1024 * 1024;

export interface EdgeDeps {
  readonly plan: DistributionPlan;
  readonly keyValues: Pick<KeyValueEngine, 'get'>;
  readonly streams: Pick<StreamEngine, 'put'>;
  /** Port on this machine of an origin's domain name; null when unknown. */
  resolveOrigin(domainName: string): number | null;
  invoke(functionName: string, payload: string): Promise<InvocationResult | null>;
  log(line: string): void;
}

export interface EdgeServer extends Listening {
  /** Functions that failed since the start; their requests went to the flat origin. */
  functionFailures(): number;
}

/** What one request carries through the stages. */
interface Exchange {
  readonly requestId: string;
  readonly viewerIp: string;
  readonly startedAt: number;
  readonly viewer: EdgeRequest;
  readonly body: Buffer;
  readonly response: ServerResponse;
  customData: string | null;
  resultType: FinishedRequest['resultType'];
}

interface Edge {
  readonly deps: EdgeDeps;
  readonly viewerFunction: ViewerFunction | null;
  readonly originFunction: OriginRequestFunction | null;
  readonly origins: OriginClient;
  readonly cache: ResponseCache;
  failures: number;
  served: number;
}

/**
 * CloudFront for one distribution: viewer function, cache, origin function, origin, one line per request for the
 * real-time log. A function that fails sends its request to the flat origin: CloudFront would answer with an error,
 * but here a fault of the machine (a killed sandbox) must not look like a fault of the system under test.
 */
export async function startEdge(deps: EdgeDeps, port: number): Promise<EdgeServer> {
  const { plan } = deps;
  const edge: Edge = {
    deps,
    viewerFunction:
      plan.viewerFunction === null
        ? null
        : makeViewerFunction(plan.viewerFunction, {
            distribution: plan,
            keyValues: deps.keyValues,
            log: (line) => deps.log(line),
          }),
    originFunction: originFunction(deps),
    origins: makeOriginClient((domainName) => deps.resolveOrigin(domainName)),
    cache: makeResponseCache(),
    failures: 0,
    served: 0,
  };
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    handle(edge, request, response).catch((error: unknown) => {
      deps.log(`request: ${String(error)}`);
      response.destroy();
    });
  });
  const listening = await listenOnLoopback(server, port, 'edge');
  return {
    ...listening,
    functionFailures: () => edge.failures,
    async stop() {
      await listening.stop();
      edge.origins.close();
    },
  };
}

function originFunction(deps: EdgeDeps): OriginRequestFunction | null {
  const functionName = deps.plan.originRequestFunction;
  if (functionName === null) return null;
  return makeOriginRequestFunction({
    plan: deps.plan,
    invoke: (payload) => deps.invoke(functionName, payload),
  });
}

async function handle(edge: Edge, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  const body = await readBody(request);
  const exchange: Exchange = {
    requestId: randomBytes(24).toString('base64url'),
    viewerIp: request.socket.remoteAddress ?? '127.0.0.1',
    startedAt,
    viewer: {
      method: request.method ?? 'GET',
      ...splitUrl(request.url ?? '/'),
      headers: headersFromRaw(request.rawHeaders),
    },
    body: body ?? Buffer.alloc(0),
    response,
    customData: null,
    resultType: 'Miss',
  };
  response.on('close', () => report(edge, exchange));
  if (body === null) return respondError(exchange, 413, 'The request body is too large.');
  if (!edge.deps.plan.allowedMethods.includes(exchange.viewer.method)) {
    return respondError(exchange, 403, 'This method is not allowed.');
  }
  await viewerStage(edge, exchange);
}

/** Work for viewers who gave up would only make those wait who came after them. */
function hasGone({ response }: Exchange): boolean {
  return response.destroyed;
}

/** null when the body is larger than the edge takes. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= largestBodyBytes) chunks.push(chunk);
  }
  return size > largestBodyBytes ? null : Buffer.concat(chunks);
}

async function viewerStage(edge: Edge, exchange: Exchange): Promise<void> {
  if (hasGone(exchange)) return;
  if (edge.viewerFunction === null) return cacheStage(edge, exchange, exchange.viewer);
  const result = await edge.viewerFunction(exchange.viewer, exchange);
  switch (result.kind) {
    case 'failed':
      noteFailure(edge, 'viewer-request', result.reason);
      return toFlat(edge, exchange);
    case 'response':
      exchange.customData = result.customData;
      exchange.resultType = 'FunctionGeneratedResponse';
      return respondGenerated(exchange, result.response);
    case 'request':
      exchange.customData = result.customData;
      return cacheStage(edge, exchange, result.request);
  }
}

async function cacheStage(edge: Edge, exchange: Exchange, request: EdgeRequest): Promise<void> {
  const key = cacheKey(edge.deps.plan.cachePolicy, request);
  const cached = key === null ? null : edge.cache.get(key, Date.now());
  if (cached === null) return originStage(edge, exchange, request, key);
  exchange.resultType = 'Hit';
  const ageS = Math.floor((Date.now() - cached.storedAtMs) / 1_000);
  writeHead(exchange, cached.status, { ...cached.headers, age: [String(ageS)] });
  exchange.response.end(cached.body);
}

async function originStage(
  edge: Edge,
  exchange: Exchange,
  request: EdgeRequest,
  key: string | null,
): Promise<void> {
  const forwarded = originRequest(edge, exchange, request);
  const { plan } = edge.deps;
  if (edge.originFunction === null)
    return send(edge, exchange, { request: forwarded, origin: plan.origin, key });
  const decision = await edge.originFunction(forwarded, exchange);
  if (hasGone(exchange)) return;
  switch (decision.kind) {
    case 'failed':
      noteFailure(edge, 'origin-request', decision.reason);
      return toFlat(edge, exchange);
    case 'invalid':
      noteFailure(edge, 'origin-request', decision.reason);
      return respondError(exchange, 502, `The Lambda@Edge function is invalid: ${decision.reason}.`);
    case 'respond':
      exchange.resultType = 'FunctionGeneratedResponse';
      return respondGenerated(exchange, decision.response);
    case 'forward':
      return send(edge, exchange, { request: decision.request, origin: decision.origin, key });
  }
}

/** The request as an origin gets it: every header of the viewer, `Host` by the policy, what CloudFront adds. */
function originRequest(edge: Edge, exchange: Exchange, request: EdgeRequest): EdgeRequest {
  const { plan } = edge.deps;
  const kept = plan.forwardsHost ? request.headers : { ...request.headers, host: [plan.origin.domainName] };
  const forwardedFor = [...(request.headers['x-forwarded-for'] ?? []), exchange.viewerIp].join(', ');
  return {
    ...request,
    headers: { ...kept, 'x-forwarded-for': [forwardedFor], via: ['1.1 local (CloudFront)'] },
  };
}

/** Fail static. What only the functions may say is removed, since nobody checked it. */
function toFlat(edge: Edge, exchange: Exchange): Promise<void> {
  const headers = withoutHeaders(exchange.viewer.headers, (name) => name.startsWith('x-hal9-'));
  const request = originRequest(edge, exchange, { ...exchange.viewer, headers });
  return send(edge, exchange, { request, origin: edge.deps.plan.origin, key: null });
}

interface Sending {
  readonly request: EdgeRequest;
  readonly origin: OriginPlan;
  /** Where a reusable answer is kept; null: nowhere. */
  readonly key: string | null;
}

async function send(edge: Edge, exchange: Exchange, { request, origin, key }: Sending): Promise<void> {
  const headers = { ...request.headers, 'x-amz-cf-id': [exchange.requestId] };
  const answer = await edge.origins.send({ ...request, headers }, origin, exchange.body);
  if (answer.kind === 'unreachable') {
    return respondError(
      exchange,
      answer.status,
      `The origin ${origin.domainName} does not answer: ${answer.reason}.`,
    );
  }
  const { message } = answer;
  if (hasGone(exchange)) return void message.destroy();
  const status = message.statusCode ?? 502;
  const received = headersFromRaw(message.rawHeaders);
  writeHead(exchange, status, received);
  const lifetime = key === null ? 0 : cacheLifetimeS(edge, status, received);
  const chunks: Buffer[] = [];
  let size = 0;
  message.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (lifetime > 0 && size <= largestCachedBytes) chunks.push(chunk);
  });
  message.on('end', () => {
    if (key === null || lifetime === 0 || size > largestCachedBytes || !message.complete) return;
    edge.cache.put(key, cacheEntry(status, received, Buffer.concat(chunks), lifetime));
  });
  // Ends both when either side goes away; the close of the response is reported.
  pipeline(message, exchange.response, () => undefined);
}

function cacheLifetimeS(edge: Edge, status: number, headers: EdgeHeaders): number {
  const policy = edge.deps.plan.cachePolicy;
  return policy === null ? 0 : lifetimeS(policy, status, headers);
}

function cacheEntry(status: number, headers: EdgeHeaders, body: Buffer, lifetime: number): CachedResponse {
  const storedAtMs = Date.now();
  return { status, headers, body, storedAtMs, expiresAtMs: storedAtMs + lifetime * 1_000 };
}

function respondGenerated(exchange: Exchange, generated: GeneratedResponse): void {
  writeHead(exchange, generated.status, {
    ...generated.headers,
    'content-length': [String(generated.body.length)],
  });
  exchange.response.end(generated.body);
}

function respondError(exchange: Exchange, status: number, message: string): void {
  exchange.resultType = 'Error';
  const body = Buffer.from(`${message}\n`);
  respondGenerated(exchange, { status, headers: { 'content-type': ['text/plain; charset=utf-8'] }, body });
}

function writeHead(exchange: Exchange, status: number, headers: EdgeHeaders): void {
  const { response } = exchange;
  for (const [name, values] of Object.entries(headers)) {
    response.setHeader(name, values.length === 1 ? (values[0] ?? '') : [...values]);
  }
  response.setHeader('x-cache', `${exchange.resultType} from cloudfront`);
  response.setHeader('x-amz-cf-id', exchange.requestId);
  response.setHeader('x-amz-cf-pop', edgeLocation);
  response.writeHead(status);
}

function noteFailure(edge: Edge, stage: string, reason: string): void {
  edge.failures += 1;
  edge.deps.log(`${stage} function failed: ${reason}`);
}

/** Called once per request, when the answer ended or the viewer went away. */
function report(edge: Edge, exchange: Exchange): void {
  const log = edge.deps.plan.outcomeLog;
  if (log === null || !sampled(edge, log.samplingRate)) return;
  const { response, viewer } = exchange;
  const line = outcomeLine(log.fields, {
    requestId: exchange.requestId,
    atMs: Date.now(),
    latencyMs: performance.now() - exchange.startedAt,
    status: response.writableFinished ? response.statusCode : 0,
    method: viewer.method,
    uri: viewer.uri,
    querystring: viewer.querystring,
    viewerIp: exchange.viewerIp,
    host: viewer.headers['host']?.[0] ?? '',
    resultType: exchange.resultType,
    customData: exchange.customData,
  });
  edge.deps.streams.put(log.streamName, exchange.requestId, Buffer.from(line));
}

/** Evenly, so that a rate of 100 per cent loses nothing. */
function sampled(edge: Edge, ratePercent: number): boolean {
  edge.served += 1;
  return Math.floor((edge.served * ratePercent) / 100) > Math.floor(((edge.served - 1) * ratePercent) / 100);
}
