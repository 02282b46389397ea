import { makeHandler as makeApplyChanges } from '../../functions/apply-changes/handler.ts';
import { makeHandler as makeMigrateBatch } from '../../functions/migrate-batch/handler.ts';
import { makeHandler as makePlanBatches } from '../../functions/plan-batches/handler.ts';
import { makeHandler as makePrepareSource } from '../../functions/prepare-source/handler.ts';
import { makeHandler as makeRelayChanges } from '../../functions/relay-changes/handler.ts';
import { makeHandler as makeReverseChanges } from '../../functions/reverse-changes/handler.ts';
import { makeHandler as makeSwitchAuthority } from '../../functions/switch-authority/handler.ts';
import { makeHandler as makeVerifyState } from '../../functions/verify-state/handler.ts';
import { makeGateway } from '../../lib/gateway/gateway.ts';
import type { Gateway } from '../../lib/gateway/outcome.ts';
import type { Random } from '../../lib/kernel/random.ts';
import { makeMemoryAuthorityStore } from '../../lib/memory/authority-store.ts';
import { makeMemoryDigestStore } from '../../lib/memory/digest-store.ts';
import { makeMemoryFlatRecords } from '../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../lib/memory/flat-source.ts';
import { makeFlatStore, type FlatStore } from '../../lib/memory/flat-store.ts';
import { makeMemoryHierarchicalRecords } from '../../lib/memory/hierarchical-records.ts';
import { makeMemoryChangeQueue, makeMemoryRangeQueue } from '../../lib/memory/message-queue.ts';
import { makeMemoryQuarantineStore } from '../../lib/memory/quarantine-store.ts';
import { makeMemoryRangeStore } from '../../lib/memory/range-store.ts';
import { makeMemoryRelayStore } from '../../lib/memory/relay-store.ts';
import { makeMemoryReversePendingStore } from '../../lib/memory/reverse-pending-store.ts';
import { makeMemoryReverseCanaries } from '../../lib/memory/reverse-canaries.ts';
import { makeMemoryLayerManifestStore } from '../../lib/memory/layer-manifest-store.ts';
import { makeMemoryRunForecasts } from '../../lib/memory/run-forecasts.ts';
import { makeMemorySettingsStore } from '../../lib/memory/settings-store.ts';
import { makeMemorySwitchStore } from '../../lib/memory/switch-store.ts';
import { makeMemoryTargetStore } from '../../lib/memory/target-store.ts';
import { makeMemoryWorld, type MemoryWorld } from '../../lib/memory/world.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type {
  AuthorityStore,
  ChangeQueue,
  DigestStore,
  FlatSource,
  QuarantineStore,
  RangeQueue,
  RangeStore,
  RelayStore,
  ReversePendingStore,
  SwitchStore,
  TargetStore,
} from '../../lib/migration/ports.ts';
import { makeRepairKeys } from '../../lib/migration/repair-keys.ts';
import type { ReverseCanaries } from '../../lib/migration/reverse-canary.ts';
import type { SettingsStore } from '../../lib/migration/settings.ts';
import type { Faults } from './faults.ts';
import { watchFences, watchInvariants, type Invariants } from './invariants.ts';
import { makeProcesses, type Process, type Processes } from './processes.ts';
import type { Scheduler } from './scheduler.ts';
import { makeSimulatedQueue, type SimulatedQueue } from './simulated-queue.ts';
import { makeSimulatedStream, type SimulatedStream } from './simulated-stream.ts';

/** Every port of the state protocol, as one process has them. */
interface Ports {
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly ranges: RangeStore;
  readonly relay: RelayStore;
  readonly authority: AuthorityStore;
  readonly reversePending: ReversePendingStore;
  readonly quarantine: QuarantineStore;
  readonly switches: SwitchStore;
  readonly digests: DigestStore;
  readonly rangeQueue: RangeQueue;
  readonly changeQueue: ChangeQueue;
  readonly canaries: ReverseCanaries;
  readonly settings: SettingsStore;
}

/** A bug, planted by replacing what a handler is given. */
export type Plant = (
  ports: Ports,
  stores: { readonly world: MemoryWorld; readonly store: FlatStore; readonly process: Process },
) => Ports;

export type Handlers = ReturnType<typeof makeHandlers>;

export interface Cluster {
  readonly world: MemoryWorld;
  readonly store: FlatStore;
  readonly invariants: Invariants;
  readonly processes: Processes;
  readonly queues: readonly SimulatedQueue[];
  readonly streams: readonly SimulatedStream[];
  handlers(process: Process): Handlers;
  /** Of another account whose operator named this flat store. */
  foreignHandlers(process: Process): Handlers;
  gateway(process: Process): Gateway;
}

export interface ClusterOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly definition: MigrationDefinition;
  readonly plant: Plant | null;
}

/** The whole state path in memory: the product's handlers behind simulated queues, streams and processes. */
export function makeCluster(options: ClusterOptions): Cluster {
  const { scheduler, faults, random, definition } = options;
  const world = makeMemoryWorld();
  const store = makeFlatStore(definition);
  const processes = makeProcesses(scheduler, faults, random);
  const queues = new Map<'ranges' | 'changes', SimulatedQueue>();

  const foreignWorld = makeMemoryWorld();
  const settings = makeMemorySettingsStore();

  const portsOf = (process: Process, world: MemoryWorld): Ports => {
    const { interleave, clock } = process;
    const ports: Ports = {
      source: makeMemoryFlatSource(store, interleave),
      target: makeMemoryTargetStore(world, interleave),
      ranges: makeMemoryRangeStore(world, clock, interleave),
      relay: makeMemoryRelayStore(world, interleave),
      authority: makeMemoryAuthorityStore(world, interleave),
      reversePending: makeMemoryReversePendingStore(world, interleave),
      quarantine: makeMemoryQuarantineStore(world, interleave),
      switches: makeMemorySwitchStore(world, interleave),
      digests: makeMemoryDigestStore(world, interleave),
      rangeQueue: makeMemoryRangeQueue(
        (body) => queues.get('ranges')?.send(spelled(process, body)),
        interleave,
        () => queues.get('ranges')?.visible() ?? 0,
      ),
      changeQueue: makeMemoryChangeQueue(
        (body) => queues.get('changes')?.send(spelled(process, body)),
        interleave,
      ),
      canaries: makeMemoryReverseCanaries(world, interleave),
      settings: {
        ...settings,
        async read() {
          await interleave('settings.read:read');
          return await settings.read();
        },
      },
    };
    const planted = options.plant === null ? ports : options.plant(ports, { world, store, process });
    return { ...planted, ranges: watchFences(planted.ranges, world, invariants.violations) };
  };
  const handlers = (process: Process): Handlers =>
    makeHandlers(definition, portsOf(process, world), process, invariants.noticeError);

  queues.set(
    'ranges',
    makeSimulatedQueue(options, {
      consumers: 2,
      consume: (event) =>
        processes.spawn((process) => handlers(process).migrateBatch(event, { awsRequestId: 'worker' })),
    }),
  );
  queues.set(
    'changes',
    makeSimulatedQueue(options, {
      consumers: 2,
      consume: (event) => processes.spawn((process) => handlers(process).applyChanges(event)),
    }),
  );
  const stream = makeSimulatedStream(options, (event) =>
    processes.spawn((process) => handlers(process).reverseChanges(event)),
  );
  // The event source's filter: most writes of the table are flat's own.
  world.onRecordPut = (_pk, record) => {
    if (record.origin === 'hierarchical') stream.append(record);
  };

  const invariants = watchInvariants(world, store);

  return {
    world,
    store,
    invariants,
    processes,
    queues: [...queues.values()],
    streams: [stream],
    handlers,
    foreignHandlers: (process) =>
      makeHandlers(definition, portsOf(process, foreignWorld), process, invariants.noticeError),
    gateway: (process) => {
      const { interleave, clock, sleeper } = process;
      return makeGateway({
        flat: makeMemoryFlatRecords(store, interleave),
        hierarchical: makeMemoryHierarchicalRecords(world, interleave, () =>
          faults.happens('transactionConflict'),
        ),
        authority: portsOf(process, world).authority,
        definition,
        clock,
        sleeper,
        random,
        maxWaitMs: 5_000,
      });
    },
  };
}

/** The other version writes a member into its messages that this one does not know. */
function spelled({ version }: Process, body: string): string {
  return version === 'present' ? body : body.replace('{', '{"addedLater":1,');
}

function makeHandlers(
  definition: MigrationDefinition,
  ports: Ports,
  process: Process,
  noticeError: (error: unknown) => void,
) {
  const { rangeQueue, changeQueue, canaries, ...stores } = ports;
  const { clock, sleeper, version } = process;
  const pace = paces[version];
  const deps = {
    definition,
    ...stores,
    clock,
    sleeper,
    // The other version does not know them yet.
    guards:
      version === 'present'
        ? { canaries, sleeper, settings: stores.settings, layers: makeMemoryLayerManifestStore() }
        : null,
    forecasts: makeMemoryRunForecasts(),
    onFailure: (_what: string, error: unknown) => {
      noticeError(error);
    },
  };
  // Built when asked for: each process uses one of them.
  return {
    get prepareSource() {
      return makePrepareSource(deps);
    },
    get planBatches() {
      return makePlanBatches({ ...deps, queue: rangeQueue, rowsPerRange: pace.rowsPerRange });
    },
    get migrateBatch() {
      return makeMigrateBatch({ ...deps, pageSize: pace.pageSize, leaseMs: 6_000 });
    },
    get relayChanges() {
      const { batchEntries } = pace;
      return makeRelayChanges({ ...deps, queue: changeQueue, batchEntries, ...relayTimes });
    },
    get applyChanges() {
      return makeApplyChanges(deps);
    },
    get reverseChanges() {
      return makeReverseChanges(deps);
    },
    get switchAuthority() {
      return makeSwitchAuthority(deps);
    },
    get verifyState() {
      return makeVerifyState({ ...deps, timeBudgetMs: 1_000, pageSize: 5 });
    },
    get repairKeys() {
      return makeRepairKeys(deps);
    },
  };
}

const relayTimes = { loopMs: 20_000, idleMs: 1_500, resendAfterMs: 8_000 };
const paces = {
  present: { rowsPerRange: 4, pageSize: 2, batchEntries: 4 },
  other: { rowsPerRange: 5, pageSize: 3, batchEntries: 7 },
};
