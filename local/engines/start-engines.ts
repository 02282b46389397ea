import type { AppConfigState } from './app-config/app-config-state.ts';
import { emptyAppConfig } from './app-config/app-config-state.ts';
import { appConfigRoutes } from './app-config/app-config-api.ts';
import { makeAppConfigEngine } from './app-config/app-config-engine.ts';
import { configurationSessionRoutes } from './app-config/configuration-sessions.ts';
import type { Deployments } from './app-config/deployments.ts';
import { makeDeployments } from './app-config/deployments.ts';
import type { ApiReply, ApiRequest, RestRoute, TargetService } from './api-service.ts';
import { answerRest, answerTarget, jsonReply } from './api-service.ts';
import { functionRoutes } from './functions/function-api.ts';
import type { GatewayServer } from './gateway-server.ts';
import { startGatewayServer } from './gateway-server.ts';
import { keyValueRoutes } from './key-values/key-value-api.ts';
import type { KeyValueStore } from './key-values/key-value-store.ts';
import { makeKeyValueRegistry } from './key-values/key-value-store.ts';
import { alarmOperations } from './metrics/alarm-api.ts';
import type { AlarmRegistry, AlarmSnapshot } from './metrics/alarm-registry.ts';
import { makeAlarmRegistry } from './metrics/alarm-registry.ts';
import { makeMetricEngine, metricOperations } from './metrics/metric-api.ts';
import { makeMetricStore } from './metrics/metric-store.ts';
import type { AppConfigEngine, EngineFault, EngineOptions, Engines, VirtualClock } from './ports.ts';
import { makeScheduler } from './scheduler.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import { makeSnapshotFile, readSnapshot } from './snapshot-file.ts';
import { streamOperations } from './streams/stream-api.ts';
import { makeStreamRegistry } from './streams/stream-registry.ts';
import { makeVirtualClock, realSleep } from './virtual-clock.ts';
import type { Execution } from './workflows/execution.ts';
import { workflowOperations } from './workflows/workflow-api.ts';
import { makeWorkflowRegistry } from './workflows/workflow-registry.ts';

/**
 * Starts every engine behind one loopback port. Throws `PortTaken` and `StateFileUnreadable`.
 * With compressed time, a flag deployment also starts the alarms' windows anew: it is what every step and every
 * rollback begins with, and samples of the step before say nothing about the new one.
 */
export async function startEngines(options: EngineOptions): Promise<Engines> {
  const settings = withDefaults(options);
  const kept = restoreState(options.stateFile);
  const snapshot = makeSnapshotFile(options.stateFile, () => ({
    ...kept,
    alarms: alarms.snapshot(),
    clock: clock.offsetMs(),
  }));
  const clock = makeVirtualClock({ ...settings, startOffsetMs: kept.clock, onJump: snapshot.mark });
  const store = makeMetricStore(Math.min(1000, settings.minBucketMs), Date.now);
  const alarms = makeAlarmRegistry({ ...settings, store, restored: kept.alarms, onMutation: snapshot.mark });
  const shared = { ...settings, clock, onMutation: snapshot.mark };
  const flags = startAppConfig({ ...shared, state: kept.appConfig, alarms });
  const keyValues = makeKeyValueRegistry({ stores: kept.keyValues, onMutation: snapshot.mark });
  const streams = makeStreamRegistry(settings.onFault);
  const workflows = makeWorkflowRegistry({ ...shared, executions: kept.executions });
  const scheduler = makeScheduler(settings);
  const evaluation = startEvaluation(alarms, settings);

  const targets: Readonly<Record<string, TargetService>> = {
    GraniteServiceVersion20100801: json10({ ...metricOperations(store), ...alarmOperations(alarms) }),
    AWSStepFunctions: json10(workflowOperations(workflows)),
    Kinesis_20131202: { contentType: 'application/x-amz-json-1.1', operations: streamOperations(streams) },
  };
  const routes: readonly RestRoute[] = [
    ...flags.routes,
    ...configurationSessionRoutes(kept.appConfig, settings.timeScale),
    ...functionRoutes(settings),
    ...keyValueRoutes(keyValues),
  ];
  const server = await startGatewayServer(settings.port, async (request) => {
    const reply = await answer(targets, routes, request);
    // What was acknowledged must be there after a kill.
    snapshot.flush();
    return reply;
  });
  flags.deployments.resume();

  return {
    ...addresses(server),
    clock,
    appConfig: flags.engine,
    metrics: makeMetricEngine(store),
    alarms,
    keyValues,
    streams,
    workflows,
    scheduler,
    async close() {
      snapshot.close();
      flags.deployments.close();
      workflows.close();
      await Promise.all([server.close(), scheduler.close(), evaluation.close(), streams.close()]);
    },
  };
}

type Settings = Required<Omit<EngineOptions, 'stateFile'>>;

function withDefaults(options: EngineOptions): Settings {
  const timeScale = options.timeScale ?? 1;
  return {
    functions: options.functions,
    port: options.port ?? 0,
    timeScale,
    minBucketMs: options.minBucketMs ?? 1000,
    alarmTickMs: options.alarmTickMs ?? (timeScale > 1 ? 250 : 1000),
    onNotification: options.onNotification ?? ignore,
    onFault: options.onFault ?? ignore,
  };
}

function ignore(): void {
  // Nobody asked to know.
}

function json10(operations: TargetService['operations']): TargetService {
  return { contentType: 'application/x-amz-json-1.0', operations };
}

interface KeptState {
  readonly appConfig: AppConfigState;
  readonly keyValues: KeyValueStore[];
  readonly executions: Execution[];
  readonly alarms: readonly AlarmSnapshot[];
  readonly clock: number;
}

function restoreState(file: string | undefined): KeptState {
  const fresh: KeptState = {
    appConfig: emptyAppConfig(),
    keyValues: [],
    executions: [],
    alarms: [],
    clock: 0,
  };
  return { ...fresh, ...(readSnapshot(file) as Partial<KeptState> | undefined) };
}

interface Flags {
  readonly engine: AppConfigEngine;
  readonly deployments: Deployments;
  readonly routes: readonly RestRoute[];
}

function startAppConfig(
  deps: Settings & {
    readonly clock: VirtualClock;
    readonly state: AppConfigState;
    readonly alarms: AlarmRegistry;
    readonly onMutation: SnapshotFile['mark'];
  },
): Flags {
  const { alarms, clock, timeScale } = deps;
  const listeners: Parameters<AppConfigEngine['onDeployment']>[0][] = [];
  const deployments = makeDeployments({
    ...deps,
    onDeployment(deployment) {
      if (timeScale > 1) {
        alarms.resetWindow('all');
      }
      for (const listener of listeners) {
        listener(deployment);
      }
    },
  });
  alarms.onChange((change) => {
    if (change.to === 'ALARM') {
      deployments.onAlarm(change.alarmArn);
    }
  });
  const engine = makeAppConfigEngine({
    ...deps,
    nowMs: () => clock.nowMs(),
    onDeployment: (listener) => void listeners.push(listener),
  });
  return { engine, deployments, routes: appConfigRoutes({ ...deps, engine, deployments }) };
}

function startEvaluation(
  alarms: AlarmRegistry,
  settings: { readonly alarmTickMs: number; readonly onFault: (fault: EngineFault) => void },
): { close(): Promise<void> } {
  const stopped = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await alarms.evaluate().catch((error: unknown) => {
        settings.onFault({ engine: 'cloudwatch', message: String(error) });
      });
      await realSleep(settings.alarmTickMs, stopped.signal);
    }
  };
  const finished = loop();
  return {
    async close() {
      stopped.abort();
      await finished;
    },
  };
}

function answer(
  targets: Readonly<Record<string, TargetService>>,
  routes: readonly RestRoute[],
  request: ApiRequest,
): Promise<ApiReply> {
  const target = request.headers['x-amz-target'];
  if (target === undefined) {
    return answerRest(routes, request);
  }
  const [prefix = '', operation = ''] = target.split('.');
  const service = Object.hasOwn(targets, prefix) ? targets[prefix] : undefined;
  return service === undefined
    ? Promise.resolve(
        jsonReply({ __type: 'NotImplementedException', message: `no service for ${target}` }, 501),
      )
    : answerTarget(service, operation, request);
}

/** The KeyValueStore client puts the account before the host, which only a name can carry. */
function addresses(server: GatewayServer): Pick<Engines, 'url' | 'port' | 'env'> {
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    port: server.port,
    env: {
      AWS_ENDPOINT_URL_APPCONFIG: url,
      AWS_ENDPOINT_URL_APPCONFIGDATA: url,
      AWS_ENDPOINT_URL_CLOUDWATCH: url,
      AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE: `http://localhost:${server.port}`,
      AWS_ENDPOINT_URL_KINESIS: url,
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_ENDPOINT_URL_SFN: url,
    },
  };
}
