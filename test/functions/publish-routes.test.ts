import { describe, expect, test } from 'vitest';

import { parseEnv } from '../../functions/publish-routes/env.ts';
import { makeHandler } from '../../functions/publish-routes/handler.ts';
import { defaultFlagsDocument, type FlagsDocument } from '../../lib/flags/document.ts';
import { makeMetricSink } from '../../lib/memory/metric-sink.ts';
import { makeRouteStore } from '../../lib/memory/route-store.ts';
import { compileRoutes } from '../../lib/router/routes.ts';

const deployed = (over: Partial<FlagsDocument> = {}): FlagsDocument => ({ ...defaultFlagsDocument, ...over });
const extensionEvent = { Type: 'OnDeploymentComplete', DeploymentNumber: 7 };

describe('publishing routes', () => {
  test('copies what is deployed when a deployment moves', async () => {
    const { handler, routes, cloud } = makePublisher();
    cloud.flags = deployed({ routingEpoch: 1, trafficThousandths: 5_000, hierarchicalEnabled: true });

    expect(await handler(extensionEvent)).toEqual({ outcome: 'published', routingEpoch: 1 });
    expect(await routes.read()).toMatchObject({ trafficThousandths: 5_000, hierarchicalEnabled: true });
    expect(await handler(extensionEvent)).toEqual({ outcome: 'unchanged', routingEpoch: 1 });
  });

  test('reports on reconciliation that the copy was wrong, and has corrected it', async () => {
    const { handler, metrics, cloud } = makePublisher();
    cloud.flags = deployed({ trafficThousandths: 5_000 });

    await handler({ action: 'reconcile' });
    expect(metrics.sum('RoutesDiverged')).toBe(1);

    await handler({ action: 'reconcile' });
    expect(metrics.sum('RoutesDiverged')).toBe(1);
    expect(metrics.metrics).toHaveLength(2);
  });

  test('keeps a rollback that the flags do not know yet, and reports it', async () => {
    const { handler, routes, metrics, cloud } = makePublisher();
    const rolledBack = compileRoutes(deployed({ routingEpoch: 2, killSwitch: true }), 9);
    await routes.publish(rolledBack);
    cloud.flags = deployed({ routingEpoch: 1, trafficThousandths: 50_000, hierarchicalEnabled: true });

    expect(await handler({ action: 'reconcile' })).toEqual({ outcome: 'kept-newer', routingEpoch: 2 });
    expect(await routes.read()).toEqual(rolledBack);
    expect(metrics.sum('RoutesDiverged')).toBe(1);
  });

  test('publishes nothing before the first deployment', async () => {
    const { handler, routes } = makePublisher();

    expect(await handler({ action: 'reconcile' })).toEqual({
      outcome: 'nothing-deployed',
      routingEpoch: null,
    });
    expect(await routes.read()).toBeNull();
  });
});

test('an environment with faults is refused with all of them', () => {
  expect(() => parseEnv({ APPCONFIG_APPLICATION: '', METRIC_NAMESPACE: 'Hal9Migrate' })).toThrow(
    expect.objectContaining({
      name: 'EnvironmentInvalid',
      message: expect.stringMatching(/(?=.*APPCONFIG_APPLICATION)(?=.*ROUTE_STORE_ARN)/) as unknown,
    }),
  );
});

function makePublisher() {
  const cloud = { flags: null as FlagsDocument | null };
  const routes = makeRouteStore();
  const metrics = makeMetricSink();
  const handler = makeHandler({
    readDeployed: async () => cloud.flags,
    routes,
    metrics,
    clock: { nowMs: () => 0 },
  });
  return { handler, routes, metrics, cloud };
}
