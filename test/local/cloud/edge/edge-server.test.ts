import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { DistributionPlan } from '../../../../local/cloud/edge/distribution-plan.ts';
import { startEdge } from '../../../../local/cloud/edge/edge-server.ts';
import type { EdgeServer } from '../../../../local/cloud/edge/edge-server.ts';
import type { InvocationResult } from '../../../../local/cloud/lambda/invocation.ts';

/** Assigns by the stored route, as far as the edge is concerned. */
const viewerCode = `import cf from "cloudfront";
async function handler(event) {
  const request = event.request;
  delete request.headers['x-hal9-spoofed'];
  if (request.uri === '/crash') throw new Error('broken');
  if (request.uri === '/own') return { statusCode: 204, headers: { 'x-own': { value: 'yes' } } };
  const route = await cf.kvs().get('routes');
  request.headers['x-hal9-cohort'] = { value: route };
  cf.logCustomData('cohort=' + route + ';epoch=4;subject=' + request.cookies.hal9_user.value);
  return request;
}`;

const plan: DistributionPlan = {
  id: 'DIST',
  domainName: 'dist.cloudfront.net',
  origin: {
    domainName: 'flat.example.com',
    protocol: 'https',
    port: 443,
    path: '',
    readTimeoutS: 1,
    customHeaders: { 'x-origin-secret': 's' },
  },
  allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'],
  cachePolicy: {
    minTtlS: 0,
    defaultTtlS: 0,
    maxTtlS: 60,
    headers: ['x-hal9-cohort'],
    cookies: 'none',
    queries: 'all',
  },
  forwardsHost: false,
  viewerFunction: { name: 'assign', code: viewerCode, storeArn: 'store' },
  originRequestFunction: 'route',
  outcomeLog: {
    streamName: 'outcomes',
    fields: ['sc-status', 'cs-method', 'cs-uri-stem', 'cs-uri-query', 'cf-custom-data'],
    samplingRate: 100,
  },
};

interface Seen {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Origin {
  readonly server: Server;
  readonly port: number;
  readonly seen: Seen[];
}

let origins: Record<'flat' | 'hierarchical', Origin>;
let edge: EdgeServer;
let route: string;
let routeAnswer: (request: { headers: Record<string, { value: string }[]> }) => unknown;
let outcomes: string[];
let invoked: number;
/** The origin function answers when this is resolved. */
let routeGate: Promise<void>;

beforeEach(async () => {
  origins = { flat: await startOrigin('flat'), hierarchical: await startOrigin('hierarchical') };
  route = 'flat';
  outcomes = [];
  invoked = 0;
  routeGate = Promise.resolve();
  routeAnswer = (request) => ({
    ...request,
    origin: {
      custom: {
        domainName: `${request.headers['x-hal9-cohort']?.[0]?.value}.example.com`,
        port: 443,
        protocol: 'https',
      },
    },
  });
  edge = await startEdge(
    {
      plan,
      keyValues: { get: () => route },
      streams: { put: (_name, _key, data) => void outcomes.push(Buffer.from(data).toString()) },
      resolveOrigin: (domainName) => portOf(domainName),
      invoke: async (_name, payload): Promise<InvocationResult> => {
        invoked += 1;
        await routeGate;
        const event = JSON.parse(payload) as { Records: [{ cf: { request: never } }] };
        const answer = routeAnswer(event.Records[0].cf.request);
        return { kind: 'returned', payload: JSON.stringify(answer), requestId: 'r' };
      },
      log: () => undefined,
    },
    0,
  );
});

afterEach(async () => {
  await edge.stop();
  for (const { server } of Object.values(origins)) {
    server.closeAllConnections();
    server.close();
  }
});

async function startOrigin(name: string): Promise<Origin> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', headers: request.headers, body });
      if (request.url === '/slow') return;
      if (request.url?.startsWith('/cacheable')) response.setHeader('cache-control', 'max-age=30');
      response.setHeader('etag', '"1.2"');
      response.end(`${name} ${request.method}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, seen };
}

function portOf(domainName: string): number | null {
  const name = domainName.split('.')[0] as 'flat' | 'hierarchical';
  return origins[name]?.port ?? null;
}

interface Sending {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const get = (path: string, { headers, ...init }: Sending = {}): Promise<Response> =>
  fetch(`${edge.url}${path}`, { ...init, headers: { cookie: 'hal9_user=u1', ...headers } });

async function medianMs(url: string): Promise<number> {
  const durations: number[] = [];
  for (let index = 0; index < 200; index += 1) {
    const startedAt = performance.now();
    const answer = await fetch(`${url}/a?${index}`, { headers: { cookie: 'hal9_user=u1' } });
    await answer.text();
    durations.push(performance.now() - startedAt);
  }
  return durations.toSorted((left, right) => left - right)[100] ?? 0;
}

describe('the local edge', () => {
  it('sends a request to the origin that the function chose, with body, query and headers', async () => {
    route = 'hierarchical';

    const answer = await get('/api/v1/users/1?b=2&a&b=1', {
      method: 'PUT',
      body: '{"x":1}',
      headers: { 'x-hal9-spoofed': '1' },
    });

    expect(await answer.text()).toBe('hierarchical PUT');
    expect(answer.headers.get('etag')).toBe('"1.2"');
    const [seen] = origins.hierarchical.seen;
    expect(seen).toMatchObject({ url: '/api/v1/users/1?b=2&a&b=1', body: '{"x":1}' });
    expect(seen?.headers).toMatchObject({
      host: 'flat.example.com',
      'x-hal9-cohort': 'hierarchical',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(seen?.headers).not.toHaveProperty('x-hal9-spoofed');
  });

  it('reports every request as a line of the log with what the viewer function said', async () => {
    await (await get('/a?q=1')).text();

    await expect.poll(() => outcomes).toEqual(['200\tGET\t/a\tq=1\tcohort=flat;epoch=4;subject=u1\n']);
  });

  it('goes to the flat origin when the viewer function crashes, without what a viewer claims to be', async () => {
    route = 'hierarchical';

    const answer = await get('/crash', { headers: { 'x-hal9-cohort': 'hierarchical' } });

    expect(await answer.text()).toBe('flat GET');
    expect(origins.flat.seen[0]?.headers).not.toHaveProperty('x-hal9-cohort');
    expect(origins.flat.seen[0]?.headers).toMatchObject({ 'x-origin-secret': 's' });
    expect(edge.functionFailures()).toBe(1);
    await expect.poll(() => outcomes).toEqual(['200\tGET\t/crash\t-\t-\n']);
  });

  it('answers 502 for a header that Lambda@Edge may not add', async () => {
    routeAnswer = (request) => ({
      ...request,
      headers: { ...request.headers, 'x-edge-secret': [{ value: '1' }] },
    });

    const answer = await get('/a');

    expect(answer.status).toBe(502);
    expect(await answer.text()).toContain('x-edge-secret');
  });

  it('answers for a viewer function that answers by itself', async () => {
    const answer = await get('/own');

    expect(answer.status).toBe(204);
    expect(answer.headers.get('x-own')).toBe('yes');
    expect(invoked).toBe(0);
  });

  it('caches what the origin allows, apart for each cohort', async () => {
    await (await get('/cacheable')).text();
    const hit = await get('/cacheable');
    route = 'hierarchical';
    const other = await get('/cacheable');

    expect(hit.headers.get('x-cache')).toBe('Hit from cloudfront');
    expect(await hit.text()).toBe('flat GET');
    expect(await other.text()).toBe('hierarchical GET');
    expect(invoked).toBe(2);
  });

  it('caches nothing that the origin does not declare reusable', async () => {
    await (await get('/a')).text();
    await (await get('/a')).text();

    expect(origins.flat.seen).toHaveLength(2);
  });

  it('answers 502 when the origin is not there and 504 when it is too slow', async () => {
    const slow = await get('/slow');
    origins.flat.server.closeAllConnections();
    await new Promise((resolve) => origins.flat.server.close(resolve));
    const gone = await get('/a');

    expect([slow.status, gone.status]).toEqual([504, 502]);
  });

  it('sends nothing to an origin for a viewer who gave up meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    routeGate = gate.promise;
    const givingUp = new AbortController();
    const givenUp = get('/given-up', { signal: givingUp.signal }).catch(() => 'given up');
    await vi.waitUntil(() => invoked === 1, { timeout: 20_000 });

    givingUp.abort();
    await vi.waitUntil(() => outcomes.length === 1, { timeout: 20_000 });
    gate.resolve();
    const answered = await get('/stayed');

    expect(await givenUp).toBe('given up');
    expect(answered.status).toBe(200);
    expect(origins.flat.seen.map(({ url }) => url)).toEqual(['/stayed']);
    expect(outcomes[0]).toMatch(/^000\t/);
  });

  it('adds no waiting to a request, such as that for a delayed acknowledgement', async () => {
    const direct = await medianMs(`http://127.0.0.1:${origins.flat.port}`);
    const throughEdge = await medianMs(edge.url);

    const delayedAcknowledgementMs = 40;
    expect(throughEdge - direct).toBeLessThan(delayedAcknowledgementMs / 2);
  });
});
