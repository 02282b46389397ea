import { AppConfigClient } from '@aws-sdk/client-appconfig';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { expect, test } from 'vitest';

import { makeHandler as makePublishRoutes } from '../../../functions/publish-routes/handler.ts';
import { realSleeper } from '../../../lib/aws/backoff.ts';
import { clientDefaults } from '../../../lib/aws/clients.ts';
import { findFlagAddress, type FlagAddress } from '../../../lib/aws/flag-address.ts';
import { makeFlagReader, readDeployedFlags } from '../../../lib/aws/flag-reader.ts';
import { makeFlagStore } from '../../../lib/aws/flag-store.ts';
import { makeMetricSink } from '../../../lib/aws/metric-sink.ts';
import { makeRouteStoreClient } from '../../../lib/aws/route-store-client.ts';
import { makeRouteStore } from '../../../lib/aws/route-store.ts';
import { defaultFlagsDocument, formatFlagsDocument } from '../../../lib/flags/document.ts';
import { applyRollback, setTraffic } from '../../../lib/flags/edit.ts';
import { flagsJsonSchema } from '../../../lib/flags/json-schema.ts';
import { summariseOutcomes } from '../../../lib/router/outcome-metrics.ts';
import { parseRoutes } from '../../../lib/router/routes.ts';
import { runEngines, type RunningEngines } from '../../local/engines/running-engines.ts';

const names = { application: 'hal9-flags', environment: 'live', profile: 'routing', strategy: 'immediate' };
const stamp = { updatedBy: 'test', atMs: Date.UTC(2026, 0, 31), reason: 'canary' };
const clock = { nowMs: () => Date.now() };

test('a ramp-up and a rollback go from the flags through the routes to the edge, against the local engines', async () => {
  const { engines, flags, publish } = await startTraffic();

  expect(await flags.writeFlags({ edit: setTraffic(5_000, stamp), expectedRoutingEpoch: 0 })).toMatchObject({
    kind: 'deployed',
    flags: { version: 2, deploymentNumber: 2 },
  });
  expect(await publish({ action: 'reconcile' })).toEqual({ outcome: 'published', routingEpoch: 0 });
  expect(edgeRoutes(engines)).toMatchObject({ trafficThousandths: 5_000, routingEpoch: 0 });

  const rollback = applyRollback({ trafficThousandths: 0, killSwitch: true }, stamp);
  expect(await flags.writeFlags({ edit: rollback, urgent: true })).toMatchObject({ kind: 'deployed' });
  expect(await publish({ Type: 'OnDeploymentComplete' })).toEqual({ outcome: 'published', routingEpoch: 1 });
  expect(await flags.writeFlags({ edit: setTraffic(50_000, stamp), expectedRoutingEpoch: 0 })).toEqual({
    kind: 'epoch-moved',
    routingEpoch: 1,
  });
  expect(edgeRoutes(engines)).toMatchObject({ trafficThousandths: 0, killSwitch: true, routingEpoch: 1 });
});

test('many writers at once end with every edit in force exactly once', async () => {
  const { address } = await startTraffic();
  const writers = [1, 2, 3, 4].map(() => makeStore(address));
  const raise = applyRollback({ trafficThousandths: 0, killSwitch: false }, stamp);

  const outcomes = await Promise.all(writers.map((writer) => writer.writeFlags({ edit: raise })));

  expect(outcomes.map((outcome) => outcome.kind)).toEqual(['deployed', 'deployed', 'deployed', 'deployed']);
  expect((await makeStore(address).readFlags()).document.routingEpoch).toBe(4);
});

test('consumers read what is deployed, by name or by id', async () => {
  const { flags, address } = await startTraffic();
  await flags.writeFlags({ edit: setTraffic(7_000, stamp) });
  const client = new AppConfigDataClient(clientDefaults());

  const reader = makeFlagReader({ client, location: names, clock });

  expect((await readDeployedFlags(client, address))?.trafficThousandths).toBe(7_000);
  expect((await reader.read())?.trafficThousandths).toBe(7_000);
});

test("AppConfig's validator refuses what the product would refuse", async () => {
  const { flags } = await startTraffic();

  await expect(
    flags.writeFlags({ edit: (document) => ({ ...document, trafficThousandths: 100_001 }) }),
  ).rejects.toMatchObject({ name: 'BadRequestException' });
});

test('outcome metrics arrive in the namespace, per system', async () => {
  await startTraffic();
  const client = new CloudWatchClient({ ...clientDefaults(), disableRequestCompression: true });
  const atMs = Math.floor(Date.now() / 60_000) * 60_000;
  const outcome = {
    requestId: 'r',
    atMs,
    cohort: 'hierarchical',
    epoch: 0,
    subject: '',
    method: 'GET',
    path: '/',
    query: '',
    status: 500,
    latencyMs: 12,
    location: '',
  } as const;

  await makeMetricSink({ client, namespace: 'Hal9Migrate' }).put(
    summariseOutcomes([outcome, { ...outcome, status: 200 }]),
  );

  const answer = await client.send(
    new GetMetricDataCommand({
      StartTime: new Date(atMs - 60_000),
      EndTime: new Date(atMs + 120_000),
      MetricDataQueries: [query('Requests', 'Sum'), query('Errors', 'Sum'), query('LatencyMs', 'p99')],
    }),
  );
  expect(answer.MetricDataResults?.map((result) => result.Values)).toEqual([[2], [1], [12]]);
});

function query(MetricName: string, Stat: string) {
  const Dimensions = [{ Name: 'System', Value: 'hierarchical' }];
  const Metric = { Namespace: 'Hal9Migrate', MetricName, Dimensions };
  return { Id: MetricName.toLowerCase(), MetricStat: { Metric, Period: 60, Stat } };
}

async function startTraffic() {
  const engines = await runEngines();
  const { appConfig, keyValues } = engines;
  const applicationId = appConfig.ensureApplication(names.application);
  const environmentId = appConfig.ensureEnvironment(applicationId, names.environment, []);
  const profileId = appConfig.ensureProfile(applicationId, {
    name: names.profile,
    validators: [{ Type: 'JSON_SCHEMA', Content: JSON.stringify(flagsJsonSchema) }],
  });
  appConfig.ensureStrategy({
    name: names.strategy,
    deploymentDurationMinutes: 0,
    finalBakeMinutes: 0,
    growthFactor: 100,
  });
  appConfig.ensureFirstVersion({
    applicationId,
    environmentId,
    profileId,
    content: formatFlagsDocument(defaultFlagsDocument),
    contentType: 'application/json',
  });
  const storeArn = keyValues.ensureStore('routes');
  const address = await findFlagAddress(new AppConfigClient(clientDefaults()), names);
  const data = new AppConfigDataClient(clientDefaults());
  const metrics = makeMetricSink({
    client: new CloudWatchClient({ ...clientDefaults(), disableRequestCompression: true }),
    namespace: 'Hal9Migrate',
  });
  const publish = makePublishRoutes({
    readDeployed: () => readDeployedFlags(data, names),
    routes: makeRouteStore({ client: makeRouteStoreClient(), storeArn, sleeper: realSleeper }),
    metrics,
    clock,
  });
  return { engines, address, flags: makeStore(address), publish };
}

function makeStore(address: FlagAddress) {
  return makeFlagStore({
    client: new AppConfigClient(clientDefaults()),
    address,
    clock,
    sleeper: realSleeper,
  });
}

function edgeRoutes(engines: RunningEngines) {
  return parseRoutes(engines.keyValues.get('routes', 'routes'));
}
