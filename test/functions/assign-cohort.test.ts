import { describe, expect, test } from 'vitest';

import { formatRoutes, type Routes } from '../../lib/router/routes.ts';
import golden from '../lib/router/golden-vectors.json' with { type: 'json' };
import { loadAssignCohort, type ViewerEvent } from '../support/edge-bundles.ts';

const routes = (trafficThousandths: number, over: Partial<Routes> = {}): string =>
  formatRoutes({
    routingEpoch: 4,
    version: 1,
    killSwitch: false,
    hierarchicalEnabled: true,
    trafficThousandths,
    ...over,
  });

const event = (claims: { user?: string; session?: string; tenant?: string } = {}): ViewerEvent => ({
  context: { requestId: golden.requestId },
  request: {
    headers: {
      host: { value: 'example.com' },
      ...(claims.tenant ? { 'hal9-tenant': { value: claims.tenant } } : {}),
    },
    cookies: {
      ...(claims.user ? { hal9_user: { value: claims.user } } : {}),
      ...(claims.session ? { hal9_session: { value: claims.session } } : {}),
    },
  },
});

describe('the viewer function as deployed', () => {
  test('puts every golden vector on the side that its bucket says', async () => {
    for (const { claims, bucket, mark } of golden.vectors) {
      const inShare = await loadedWith(routes(bucket + 1))(event(claims));
      const outOfShare = await loadedWith(routes(bucket))(event(claims));

      expect(inShare.headers).toMatchObject({
        'x-hal9-cohort': { value: 'hierarchical' },
        'x-hal9-epoch': { value: '4' },
        'x-hal9-subject': { value: mark },
      });
      expect(outOfShare.headers['x-hal9-cohort']).toEqual({ value: 'flat' });
    }
  });

  test('removes every x-hal9 header of the viewer and keeps the others', async () => {
    const spoofed = event({ user: 'alice' });
    spoofed.request.headers['x-hal9-cohort'] = { value: 'hierarchical' };
    spoofed.request.headers['x-hal9-system'] = { value: 'hierarchical' };
    spoofed.request.headers['X-HAL9-Shadow'] = { value: '1' };
    spoofed.request.headers['x-hal9'] = { value: 'kept' };

    const { headers } = await loadedWith(routes(0))(spoofed);

    expect(Object.keys(headers).toSorted()).toEqual([
      'host',
      'x-hal9',
      'x-hal9-cohort',
      'x-hal9-epoch',
      'x-hal9-subject',
    ]);
    expect(headers['x-hal9-cohort']).toEqual({ value: 'flat' });
  });

  test('sends everybody to flat with the kill switch', async () => {
    const { headers } = await loadedWith(routes(100_000, { killSwitch: true }))(event({ user: 'alice' }));

    expect(headers['x-hal9-cohort']).toEqual({ value: 'flat' });
  });

  test.each(['', '{', '{"f":1}', 'null', '[1]'])(
    'sends everybody to flat when the routes are %j',
    async (text) => {
      const { headers } = await loadedWith(text)(event({ user: 'alice' }));

      expect(headers).toMatchObject({ 'x-hal9-cohort': { value: 'flat' }, 'x-hal9-epoch': { value: '0' } });
    },
  );

  test('sends everybody to flat when the store has no routes or fails', async () => {
    const handler = loadAssignCohort({
      routes: () => {
        throw new Error('KeyNotFound');
      },
    });

    expect((await handler(event({ user: 'alice' }))).headers['x-hal9-cohort']).toEqual({ value: 'flat' });
  });

  test('sends a request that it cannot make sense of to flat, without an error', async () => {
    const odd = { context: null, request: { headers: {}, cookies: undefined } } as unknown as ViewerEvent;

    expect((await loadedWith(routes(100_000))(odd)).headers['x-hal9-cohort']).toEqual({ value: 'flat' });
  });

  test('logs cohort, epoch and subject where the runtime can, and works where it cannot', async () => {
    const log: string[] = [];
    await loadAssignCohort({ routes: () => routes(100_000), log })(event({ user: 'alice' }));
    await loadedWith(routes(100_000))(event({ user: 'alice' }));

    expect(log).toEqual(['cohort=hierarchical;epoch=4;subject=22778141849bacf1']);
  });
});

function loadedWith(text: string) {
  return loadAssignCohort({ routes: () => text });
}
