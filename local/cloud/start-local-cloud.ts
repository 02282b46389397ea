import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { join, resolve } from 'node:path';

import { localRegion } from '../engines/arns.ts';
import type { Engines } from '../engines/ports.ts';
import { startEngines } from '../engines/start-engines.ts';
import { startBackgroundTraffic } from './background-traffic.ts';
import { keepAssembly } from './keep-assembly.ts';
import { claimDataDirectory } from './claim.ts';
import type { Claim } from './claim.ts';
import type { CloudEndpoints } from './cloud-file.ts';
import { openDataDirectory } from './data-directory.ts';
import type { DataDirectory } from './data-directory.ts';
import { readDeployment } from './deployment.ts';
import { defaultParts } from './default-parts.ts';
import type { SourceConfig } from '../../lib/config/source-config.ts';
import { explainFullDisk } from './disk-room.ts';
import { distributionPlan } from './edge/distribution-plan.ts';
import { startEdge } from './edge/edge-server.ts';
import type { EdgeDeps, EdgeServer } from './edge/edge-server.ts';
import { wireEvents } from './event-wiring.ts';
import { ensureFlatStore } from './flat-store.ts';
import { openLogFiles } from './lambda/function-log.ts';
import type { LogFiles } from './lambda/function-log.ts';
import { makeLambdaRuntime } from './lambda/lambda-runtime.ts';
import type { LambdaRuntime } from './lambda/lambda-runtime.ts';
import type { LocalCloud, LocalCloudOptions } from './local-cloud.ts';
import { onStablePort } from './stable-port.ts';
import { makeOriginResolver } from './origins.ts';
import type { CloudParts, RunningSystems, SystemAddresses } from './parts.ts';
import { provision } from './provision.ts';
import type { Provisioned } from './provision.ts';
import { startQueueEngine } from './queue-engine.ts';
import type { QueueEngine } from './queue-engine.ts';
import { openPositions } from './sources/positions.ts';
import { startTtlSweeper } from './sources/ttl-sweeper.ts';
import { startTableEngine } from './table-engine.ts';
import type { TableEngine } from './table-engine.ts';
import { ensureAlarms, ensureWorkflows } from './template/alarms-and-workflows.ts';
import { ensureFlags } from './template/flags.ts';
import { functionSpecs } from './template/functions.ts';

const defaultRecords = 20_000;
const defaultSeed = 1;
/** Seconds that one relay run lasts of each scheduled minute. */
const relaySecondsPerMinute = 55;

/** Everything of a start that later stages need. */
interface Ground {
  readonly options: LocalCloudOptions;
  readonly timeScale: number;
  readonly directory: DataDirectory;
  readonly claim: Claim;
  readonly logs: LogFiles;
  readonly log: (line: string) => void;
  /** What is to be ended, newest first. */
  readonly cleanup: AsyncDisposableStack;
  readonly failures: PromiseWithResolvers<string>;
}

interface Running extends Ground {
  readonly tableEngine: TableEngine;
  readonly queueEngine: QueueEngine;
  readonly lambda: LambdaRuntime;
  readonly engines: Engines;
  readonly env: Readonly<Record<string, string>>;
  readonly tables: DynamoDBClient;
  readonly queues: SQSClient;
  readonly objects: S3Client;
  readonly tableStreams: DynamoDBStreamsClient;
}

/**
 * Starts the whole local cloud in this process. Throws the HalErrors of its parts (CloudAlreadyRunning, PortTaken,
 * TableEngineMissing, DataDirUnwritable, SourceMissing, ...); what was started by then is ended again.
 */
export async function startLocalCloud(
  options: LocalCloudOptions,
  parts: CloudParts = defaultParts,
): Promise<LocalCloud> {
  const directory = openDataDirectory(resolve(options.dataDir));
  const timeScale = options.timeScale ?? 1;
  const claim = await claimDataDirectory(directory.root, timeScale);
  const cleanup = new AsyncDisposableStack();
  cleanup.defer(() => claim.release());
  const logs = openLogFiles(directory.logs);
  cleanup.defer(() => logs.close());
  const log = logs.lineWriter('cloud');
  const failures = Promise.withResolvers<string>();
  try {
    return await build({ options, timeScale, directory, claim, logs, log, cleanup, failures }, parts);
  } catch (error) {
    const fault = explainFullDisk(directory.root, error);
    log(`start failed: ${String(error)}`);
    await cleanup.disposeAsync();
    throw fault;
  }
}

async function build(ground: Ground, parts: CloudParts): Promise<LocalCloud> {
  const { options, directory } = ground;
  const progress = options.onProgress ?? ground.log;
  const assembly = keepAssembly(await parts.assembly(progress), directory.assembly);
  const generate = parts.generateStore({
    records: options.records ?? defaultRecords,
    seed: options.seed ?? defaultSeed,
  });
  const work = [
    startRunning(ground),
    ensureFlatStore(directory, options.sourceFile, generate, progress),
  ] as const;
  // Both to their end, also when one fails: what is still starting then could not be ended.
  await Promise.allSettled(work);
  const [running, source] = await Promise.all(work);
  const provisioned = await provision(assembly, {
    engines: running.engines,
    tables: running.tables,
    queues: running.queues,
    objects: running.objects,
    queueUrl: (name) => running.queueEngine.queueUrl(name),
  });
  running.tableEngine.indexTables();
  const systems = await parts.startSystems({
    directory,
    source,
    env: { ...processEnv(), ...running.env, ...options.serviceEnv },
  });
  watchSystems(running, systems);
  registerFunctions(running, provisioned, systems, { assembly, source });
  startEvents(running, provisioned);
  const edge = await startEdgeServer(running, provisioned, systems);
  const endpoints: CloudEndpoints = {
    edgeUrl: edge.url,
    gatewayUrl: running.engines.url,
    dynamodbUrl: running.tableEngine.url,
    sqsUrl: running.queueEngine.url,
    flatUrl: systems.flatUrl,
    hierarchicalUrl: systems.hierarchicalUrl,
    faultsUrl: systems.faultsUrl,
  };
  ground.claim.ready(endpoints, running.env);
  const traffic = await startBackgroundTraffic(ground, endpoints.edgeUrl, source);
  if (traffic !== null) ground.cleanup.defer(() => traffic.stop());
  return handle(running, edge, endpoints);
}

/** The engines, in the order in which they are needed; they end in the reverse. */
async function startRunning(ground: Ground): Promise<Running> {
  const { cleanup, directory } = ground;
  const tableEngine = await startTableEngine({
    databasePath: directory.tables,
    logPath: join(directory.logs, 'table-engine.log'),
    env: process.env,
  });
  watchChild(ground, tableEngine.child);
  const queueEngine = await startQueueEngine({ objects: ground.directory.objects });
  cleanup.defer(() => queueEngine.stop());
  const lambda = makeLambdaRuntime({ lineWriter: (name) => ground.logs.lineWriter(name) });
  const engines = await startEngines({
    functions: lambda.host,
    timeScale: ground.timeScale,
    stateFile: directory.engineState,
    onFault: (fault) => ground.log(`${fault.engine}: ${fault.message}`),
    onNotification: (topicArn, message) => ground.log(`notification to ${topicArn}: ${message}`),
  });
  cleanup.defer(() => engines.close());
  // Before the engines, which wait for invocations under way; the functions are made to be cut off anywhere.
  cleanup.defer(() => lambda.stop());
  const env = sdkEnvironment(tableEngine, queueEngine, engines);
  const settings = { region: localRegion, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  return {
    ...ground,
    tableEngine,
    queueEngine,
    lambda,
    engines,
    env,
    tables: new DynamoDBClient({ ...settings, endpoint: tableEngine.url }),
    queues: new SQSClient({ ...settings, endpoint: queueEngine.url }),
    objects: new S3Client({ ...settings, endpoint: queueEngine.url, forcePathStyle: true }),
    tableStreams: new DynamoDBStreamsClient({ ...settings, endpoint: tableEngine.url }),
  };
}

function sdkEnvironment(
  tableEngine: TableEngine,
  queueEngine: QueueEngine,
  engines: Engines,
): Record<string, string> {
  return {
    AWS_REGION: localRegion,
    AWS_DEFAULT_REGION: localRegion,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL_DYNAMODB: tableEngine.url,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: tableEngine.url,
    AWS_ENDPOINT_URL_SQS: queueEngine.url,
    AWS_ENDPOINT_URL_S3: queueEngine.url,
    ...engines.env,
  };
}

function processEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A child that ends by itself takes the cloud with it: half a cloud would look like a fault of the product. */
function watchChild(ground: Ground, child: TableEngine['child']): void {
  if (child === null) return;
  ground.claim.adopt(child.name, child.identity);
  ground.cleanup.defer(() => child.stop());
  void child.ended.then((code) => {
    if (ground.cleanup.disposed) return;
    ground.failures.resolve(`The ${child.name} of the local cloud ended by itself (code ${String(code)}).`);
  });
}

function watchSystems(running: Running, systems: RunningSystems): void {
  watchChild(running, systems.child);
}

function registerFunctions(
  running: Running,
  { resources, stacks }: Provisioned,
  systems: SystemAddresses,
  { assembly, source }: { readonly assembly: string; readonly source: SourceConfig },
): void {
  const specs = functionSpecs(resources, {
    stacks,
    assembly,
    sharedEnv: { ...running.env, TZ: 'UTC', PATH: process.env['PATH'] ?? '' },
    overrides: {
      SOURCE: JSON.stringify(source),
      FLAT_ORIGIN_URL: systems.flatUrl,
      HIERARCHICAL_ORIGIN_URL: systems.hierarchicalUrl,
      LOOP_SECONDS: String(Math.max(1, Math.round(relaySecondsPerMinute / running.timeScale))),
    },
  });
  for (const spec of specs) running.lambda.register(spec);
  ensureFlags(running.engines.appConfig, resources);
  ensureAlarms(running.engines.alarms, resources);
  ensureWorkflows(running.engines.workflows, resources);
}

function startEvents(running: Running, { resources, tables }: Provisioned): void {
  const log = running.logs.lineWriter('event-sources');
  const sources = wireEvents(resources, {
    lambda: running.lambda,
    engines: running.engines,
    queues: running.queues,
    tableStreams: running.tableStreams,
    tables,
    positions: openPositions(running.directory.positions),
    queueUrl: (name) => running.queueEngine.queueUrl(name),
    log,
  });
  const expiring = tables.filter((table) => table.ttlAttribute !== undefined);
  const sweeper = startTtlSweeper(expiring, running.tables, log);
  running.cleanup.defer(async () => {
    // First the functions: a source ends only when the batch in hand has come back.
    await running.lambda.stop();
    await Promise.all([sweeper, ...sources].map((source) => source.stop()));
  });
}

async function startEdgeServer(
  running: Running,
  { resources }: Provisioned,
  systems: SystemAddresses,
): Promise<EdgeServer> {
  const plan = distributionPlan(resources);
  if (plan === null) throw new Error('the templates have no distribution');
  // Users wait for this function; the others may start when something calls them.
  if (plan.originRequestFunction !== null) running.lambda.warm(plan.originRequestFunction);
  const deps: EdgeDeps = {
    plan,
    keyValues: running.engines.keyValues,
    streams: running.engines.streams,
    resolveOrigin: makeOriginResolver(readDeployment().origins, systems),
    invoke: (functionName, payload) => running.lambda.invoke(functionName, payload),
    log: running.logs.lineWriter('edge'),
  };
  const edge = await onStablePort(running.directory.edgePort, running.options.port, (port) =>
    startEdge(deps, port),
  );
  running.cleanup.defer(() => edge.stop());
  return edge;
}

function handle(running: Running, edge: EdgeServer, endpoints: CloudEndpoints): LocalCloud {
  let stopping: Promise<void> | null = null;
  return {
    dataDir: running.directory.root,
    endpoints,
    env: running.env,
    timeScale: running.timeScale,
    engines: running.engines,
    flatStore: running.directory.flatStore,
    killFunction: (functionName) => running.lambda.kill(functionName),
    edgeFunctionFailures: () => edge.functionFailures(),
    failed: running.failures.promise,
    stop() {
      stopping ??= running.cleanup.disposeAsync();
      return stopping;
    },
  };
}
