import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { defaultFlagsDocument, type FlagsDocument } from '../../lib/flags/document.ts';
import golden from '../lib/router/golden-vectors.json' with { type: 'json' };
import { loadRouteRequest } from '../support/edge-bundles.ts';

const origins = {
  flat: { domainName: 'flat.internal', port: 8081, protocol: 'http' },
  hierarchical: { domainName: 'hierarchical.internal', port: 8082, protocol: 'http' },
};
const config = {
  appConfig: { application: 'a', environment: 'e', profile: 'p', region: 'eu-west-1' },
  origins,
};

let appConfig: FakeAppConfig;

beforeEach(async () => {
  appConfig = await startAppConfig();
  process.env['AWS_ENDPOINT_URL_APPCONFIGDATA'] = appConfig.url;
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
});

afterEach(async () => {
  delete process.env['AWS_ENDPOINT_URL_APPCONFIGDATA'];
  await appConfig.stop();
});

describe('the origin function as deployed', () => {
  test('decides every golden vector as the viewer function does', async () => {
    for (const { claims, bucket, mark } of golden.vectors.slice(0, 8)) {
      appConfig.flags = flags({ trafficThousandths: bucket + 1 });
      expect(await systemFor(await loadRouteRequest(config), headersOf(claims, mark))).toBe('hierarchical');
      appConfig.flags = flags({ trafficThousandths: bucket });
      expect(await systemFor(await loadRouteRequest(config), headersOf(claims, mark))).toBe('flat');
    }
  });

  test('reaches the same decision from the cookies when the mark of the subject is missing', async () => {
    // A cookie header cannot carry the space around this one.
    const vectors = golden.vectors.slice(1, 9).filter(({ claims }) => claims.user !== ' alice');
    for (const { claims, bucket } of vectors) {
      appConfig.flags = flags({ trafficThousandths: bucket + 1 });
      expect(await systemFor(await loadRouteRequest(config), headersOf(claims, null))).toBe('hierarchical');
      appConfig.flags = flags({ trafficThousandths: bucket });
      expect(await systemFor(await loadRouteRequest(config), headersOf(claims, null))).toBe('flat');
    }
  });

  test('sends the request to the origin of the configuration, with its host', async () => {
    appConfig.flags = flags({ trafficThousandths: 100_000 });

    const request = await (await loadRouteRequest(config))(eventWith(assigned()));

    expect(request.origin.custom).toMatchObject(origins.hierarchical);
    expect(request.headers['host']).toEqual([{ key: 'Host', value: 'hierarchical.internal' }]);
  });

  test('stays on flat after a cold start without flags', async () => {
    appConfig.mode = 'fail';

    expect(await systemFor(await loadRouteRequest(config), assigned())).toBe('flat');
  });

  test('lets a request wait 50 milliseconds at most for an AppConfig that hangs', async () => {
    appConfig.mode = 'hang';
    const handler = await loadRouteRequest(config);
    let longestMs = 0;
    const ask = async (): Promise<number> => {
      const startedAt = performance.now();
      expect(await systemFor(handler, assigned())).toBe('flat');
      longestMs = Math.max(longestMs, performance.now() - startedAt);
      return appConfig.requests();
    };

    await expect.poll(ask, { timeout: 10_000 }).toBe(2);

    // The budget with room for a machine that does other things as well.
    expect(longestMs).toBeGreaterThan(40);
    expect(longestMs).toBeLessThan(200);
  });

  test('finds flags that were not there when the sandbox started', async () => {
    appConfig.mode = 'fail';
    const handler = await loadRouteRequest(config);
    expect(await systemFor(handler, assigned())).toBe('flat');

    appConfig.mode = 'answer';
    appConfig.flags = flags({ trafficThousandths: 100_000 });

    await expect.poll(() => systemFor(handler, assigned()), { timeout: 10_000 }).toBe('hierarchical');
  });

  test('obeys the kill switch of its copy although the viewer function has not heard of it', async () => {
    appConfig.flags = flags({ trafficThousandths: 100_000, killSwitch: true, routingEpoch: 5 });

    expect(await systemFor(await loadRouteRequest(config), assigned())).toBe('flat');
  });

  test('keeps the last good flags while AppConfig fails', async () => {
    appConfig.flags = flags({ trafficThousandths: 100_000 });
    const handler = await loadRouteRequest(config);
    await systemFor(handler, assigned());
    appConfig.mode = 'fail';

    expect(await systemFor(handler, assigned())).toBe('hierarchical');
  });

  test('leaves no request of its own behind when it gives up waiting', async () => {
    appConfig.mode = 'hang';
    await systemFor(await loadRouteRequest(config), assigned());

    await expect.poll(() => appConfig.openRequests()).toBe(0);
  });

  test('sends a request that it cannot make sense of to flat', async () => {
    appConfig.flags = flags({ trafficThousandths: 100_000 });
    const odd = { ...assigned(), cookie: 7 as unknown as string, 'x-hal9-subject': 9 as unknown as string };

    expect(await systemFor(await loadRouteRequest(config), odd)).toBe('flat');
  });
});

function assigned(): Record<string, string> {
  return { 'x-hal9-cohort': 'hierarchical', 'x-hal9-epoch': '3', 'x-hal9-subject': '22778141849bacf1' };
}

function headersOf(claims: object, mark: string | null): Record<string, string> {
  const { user, session, tenant } = claims as Record<string, string | undefined>;
  const cookies = [user && `hal9_user=${user}`, session && `hal9_session=${session}`]
    .filter(Boolean)
    .join('; ');
  return {
    ...assigned(),
    'x-hal9-subject': mark ?? '',
    ...(cookies === '' ? {} : { cookie: cookies }),
    ...(tenant === undefined ? {} : { 'hal9-tenant': tenant }),
  };
}

function flags(over: Partial<FlagsDocument>): FlagsDocument {
  return { ...defaultFlagsDocument, routingEpoch: 3, hierarchicalEnabled: true, ...over };
}

function eventWith(headers: Readonly<Record<string, string>>) {
  const entries = Object.entries(headers).map(([name, value]) => [name, [{ key: name, value }]]);
  const request = { uri: '/', headers: Object.fromEntries(entries) as object, origin: { custom: {} } };
  return { Records: [{ cf: { config: { requestId: golden.requestId }, request } }] };
}

async function systemFor(
  handler: Awaited<ReturnType<typeof loadRouteRequest>>,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const request = await handler(eventWith(headers));
  const system = request.headers['x-hal9-system']?.[0]?.value ?? '';
  expect(request.origin.custom).toMatchObject(origins[system as 'flat']);
  return system;
}

interface FakeAppConfig {
  readonly url: string;
  flags: FlagsDocument;
  mode: 'answer' | 'fail' | 'hang';
  openRequests(): number;
  requests(): number;
  stop(): Promise<void>;
}

/** AppConfig's data plane over HTTP, for the real client. */
async function startAppConfig(): Promise<FakeAppConfig> {
  let open = 0;
  let total = 0;
  const server: Server = createServer((request, response) => {
    open += 1;
    total += 1;
    response.on('close', () => (open -= 1));
    if (fake.mode === 'hang') return;
    if (fake.mode === 'fail') {
      response.writeHead(500).end('{}');
    } else if (request.method === 'POST') {
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ InitialConfigurationToken: 'first' }));
    } else {
      response.writeHead(200, {
        'next-poll-configuration-token': 'next',
        'content-type': 'application/json',
      });
      response.end(JSON.stringify(fake.flags));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeAppConfig = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    flags: defaultFlagsDocument,
    mode: 'answer',
    openRequests: () => open,
    requests: () => total,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
