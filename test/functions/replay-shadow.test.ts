import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { parseEnv } from '../../functions/replay-shadow/env.ts';
import { makeHandler } from '../../functions/replay-shadow/handler.ts';
import { makeShadowOrigins } from '../../lib/aws/shadow-origins.ts';
import { makeMetricSink } from '../../lib/memory/metric-sink.ts';
import { makeShadowDifferences } from '../../lib/memory/shadow-differences.ts';
import { defaultIgnoreRules } from '../../lib/shadow/ignore-rules.ts';

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

let systems: { control: Respond; candidate: Respond };
let servers: Awaited<ReturnType<typeof serve>>[];

beforeEach(async () => {
  systems = { control: answer({ id: 1 }), candidate: answer({ id: 1 }) };
  servers = await Promise.all([
    serve((request, response) => systems.control(request, response)),
    serve((request, response) => systems.candidate(request, response)),
  ]);
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

describe('replaying a shadow sample', () => {
  test('counts equal answers as matched', async () => {
    const { handler, metrics, differences } = makeReplayer();

    expect(await handler(eventOf(sample('a'), sample('b')))).toEqual({ batchItemFailures: [] });
    expect(countsOf(metrics)).toMatchObject({ ShadowCompared: 2, ShadowMatched: 2, ShadowCritical: 0 });
    expect(await differences.list('1970-01-01', 10)).toEqual([]);
  });

  test('keeps a difference without the values of the user', async () => {
    systems.candidate = answer({ id: 2 });
    const { handler, metrics, differences } = makeReplayer();

    await handler(eventOf(sample('a')));

    expect(countsOf(metrics)).toMatchObject({ ShadowCompared: 1, ShadowMatched: 0, ShadowCritical: 1 });
    expect(await differences.list('1970-01-01', 10)).toEqual([
      {
        requestId: 'a',
        atMs: 1,
        method: 'GET',
        path: '/api/v1/users/1',
        differences: [
          expect.objectContaining({
            path: 'body.data.id',
            kind: 'value',
            control: { type: 'number', hash: expect.any(String) as unknown },
          }),
        ],
      },
    ]);
  });

  test('marks its requests, asks with the query, and follows no redirect', async () => {
    const seen: (string | undefined)[] = [];
    systems.control = systems.candidate = (request, response) => {
      seen.push(request.url, request.headers['x-hal9-shadow'] as string);
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    };
    const { handler, metrics } = makeReplayer();

    await handler(eventOf(sample('a', { query: 'q=%20' })));

    expect(seen).toEqual(['/api/v1/users/1?q=%20', '1', '/api/v1/users/1?q=%20', '1']);
    expect(countsOf(metrics)).toMatchObject({ ShadowMatched: 1 });
  });

  test('takes a system that hangs for a failure when the deadline has passed', async () => {
    systems.candidate = () => undefined;
    const { handler, metrics } = makeReplayer();

    await handler(eventOf(sample('a')));

    expect(countsOf(metrics)).toMatchObject({ ShadowCompared: 1, ShadowCritical: 1 });
  });

  test('takes a body without an end for a failure', async () => {
    systems.candidate = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('x'.repeat(1024 * 1024 + 1));
    };
    const { handler, metrics } = makeReplayer();

    await handler(eventOf(sample('a')));

    expect(countsOf(metrics)).toMatchObject({ ShadowCritical: 1 });
  });

  test('drops what is no sample, and never sends a write', async () => {
    const seen: (string | undefined)[] = [];
    systems.control = systems.candidate = (request, response) => {
      seen.push(request.method);
      response.end();
    };
    const { handler, metrics } = makeReplayer();

    const result = await handler(
      eventOf('rubbish', sample('a', { method: 'DELETE' }), sample('b', { path: '//evil.example/' })),
    );

    expect(result).toEqual({ batchItemFailures: [] });
    expect(countsOf(metrics)).toMatchObject({ ShadowCompared: 0, ShadowMalformed: 3 });
    expect(seen).toEqual([]);
  });

  test('asks for a repetition when a difference could not be stored, and only of that sample', async () => {
    systems.candidate = answer({ id: 2 });
    const { deps } = makeReplayer();
    const handler = makeHandler({ ...deps, differences: { ...deps.differences, put: refuseB } });

    expect(await handler(eventOf(sample('a'), sample('b')))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm1' }],
    });
  });
});

test.each(['ftp://flat', 'flat:80', 'http://flat/api', ''])('an origin %j is refused', (url) => {
  const env = {
    SHADOW_TABLE: 't',
    METRIC_NAMESPACE: 'n',
    HIERARCHICAL_ORIGIN_URL: 'http://h:1',
    FLAT_ORIGIN_URL: url,
  };

  expect(() => parseEnv(env)).toThrow(
    expect.objectContaining({ message: expect.stringContaining('FLAT_ORIGIN_URL') as unknown }),
  );
});

async function refuseB({ requestId }: { requestId: string }): Promise<void> {
  if (requestId === 'b') throw new Error('throttled');
}

function makeReplayer() {
  const metrics = makeMetricSink();
  const differences = makeShadowDifferences();
  const [control, candidate] = servers.map((server) => server.url) as [URL, URL];
  const deps = {
    origins: makeShadowOrigins({ control, candidate, deadlineMs: 150 }),
    sleeper: { sleep: async () => {} },
    rules: defaultIgnoreRules,
    differences,
    metrics,
    clock: { nowMs: () => 0 },
  };
  return { handler: makeHandler(deps), deps, metrics, differences };
}

function countsOf(metrics: ReturnType<typeof makeMetricSink>): Record<string, number> {
  return Object.fromEntries(metrics.metrics.map((metric) => [metric.name, metric.values[0]!]));
}

function sample(requestId: string, over: object = {}): string {
  return JSON.stringify({ method: 'GET', path: '/api/v1/users/1', query: '', requestId, atMs: 1, ...over });
}

function eventOf(...bodies: readonly string[]) {
  return { Records: bodies.map((body, index) => ({ messageId: `m${index}`, body })) };
}

/** An envelope with the time of the answer in it, as every service writes one. */
function answer(data: object): Respond {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', etag: '"1.1"' });
    response.end(JSON.stringify({ success: true, data, error: null, served_at: performance.now() }));
  };
}

async function serve(respond: Respond) {
  const server = createServer(respond);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
