import { AppConfigClient } from '@aws-sdk/client-appconfig';
import type { ControlEnvironment } from '../config/control-environment.ts';
import { makeAlarmReader } from './alarm-reader.ts';
import { makeAuditLog } from './audit-log.ts';
import { realSleeper } from './backoff.ts';
import { makeCheckpointStore } from './checkpoint-store.ts';
import { clientDefaults, makeDynamoClient } from './clients.ts';
import { makeFlagStore } from './flag-store.ts';
import { makeFunctionInvoker, makeInvokingClient } from './function-invoker.ts';
import { makeLock } from './lock.ts';
import { makeCloudWatchClient } from './metric-client.ts';
import { makeMetricReader } from './metric-reader.ts';
import { makeRouteStoreClient } from './route-store-client.ts';
import { makeRouteStore } from './route-store.ts';
import { makeRunStore } from './run-store.ts';

/** Every port of the control plane, on AWS. `region` for the CLI; functions know theirs. */
export function makeControlPlane(env: ControlEnvironment, settings: { readonly region?: string } = {}) {
  const client = makeDynamoClient(settings);
  const table = env.CONTROL_TABLE;
  const clock = { nowMs: () => Date.now() };
  const sleeper = realSleeper;
  const cloudWatch = makeCloudWatchClient(settings);
  const address = {
    application: env.APPCONFIG_APPLICATION,
    environment: env.APPCONFIG_ENVIRONMENT,
    profile: env.APPCONFIG_PROFILE,
    strategy: env.APPCONFIG_STRATEGY,
  };
  return {
    clock,
    sleeper,
    runs: makeRunStore({ client, table }),
    checkpoints: makeCheckpointStore({ client, table }),
    audit: makeAuditLog({ client, table }),
    lock: makeLock({ client, table, clock, name: 'rollback' }),
    flags: makeFlagStore({ client: new AppConfigClient(clientDefaults(settings)), address, clock, sleeper }),
    routes: makeRouteStore({
      client: makeRouteStoreClient(settings),
      storeArn: env.ROUTE_STORE_ARN,
      sleeper,
    }),
    invoker: makeFunctionInvoker({ client: makeInvokingClient(settings), prefix: env.FUNCTION_PREFIX }),
    metrics: makeMetricReader({ client: cloudWatch, namespace: env.METRIC_NAMESPACE }),
    alarms: makeAlarmReader({ client: cloudWatch, prefix: env.FUNCTION_PREFIX }),
  };
}
