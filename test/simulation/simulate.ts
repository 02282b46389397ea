import { randomInt, seededRandom, type Random } from '../../lib/kernel/random.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { isCanary } from '../../lib/migration/reverse-canary.ts';
import { makeClients, type Clients, type Workload } from './clients.ts';
import { makeCluster, type Cluster, type Plant } from './cluster.ts';
import { smallDefinition } from './definition.ts';
import { makeFaults, type FaultKind, type Faults } from './faults.ts';
import { makeHistory } from './history.ts';
import { makeOperator, type Operator } from './operator.ts';
import { runTraffic } from './traffic.ts';
import { makeScheduler, type Scheduler } from './scheduler.ts';

export interface SimulationResult {
  readonly seed: number;
  /** Empty when every invariant held. */
  readonly violations: readonly string[];
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly workload: Workload;
  readonly acknowledgedWrites: number;
  readonly virtualMs: number;
  readonly steps: number;
}

/** Virtual time in which a migration without further faults has to end. */
const livenessMs = 20 * 60_000;

interface Run {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly cluster: Cluster;
  readonly clients: Clients;
  readonly operator: Operator;
  readonly categories: readonly Category[];
}

/**
 * One whole migration: copy, switch forward, write, switch back, write, switch forward again, with users and legacy
 * writers all the while. First with faults, then without them until everything has converged. The same seed does
 * exactly the same.
 */
export async function simulate(seed: number, plant: Plant | null = null): Promise<SimulationResult> {
  const random = seededRandom(seed * 2_654_435_761);
  const scheduler = makeScheduler();
  const faults = makeFaults(random);
  const definition = chooseTables(random);
  const cluster = makeCluster({ scheduler, faults, random, definition, plant });
  const history = makeHistory();
  const { tables } = definition;
  const categories = [...new Set(tables.map(({ category }) => category))];
  const keysPerTable = 6 + randomInt(random, 8);
  const clients = makeClients({ cluster, faults, history, random, tables, keysPerTable });
  const operator = makeOperator({ cluster, scheduler, faults, random, categories });
  const run: Run = { scheduler, random, faults, cluster, clients, operator, categories };
  const { violations } = cluster.invariants;

  const startMs = scheduler.nowMs();
  let ended = false;
  const story = tell(run).then(
    () => {
      ended = true;
    },
    (error: unknown) => {
      ended = true;
      violations.push(`stopped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    },
  );
  await scheduler.run(() => ended || violations.length > 0 || scheduler.nowMs() - startMs > 2 * livenessMs);
  if (ended) await story;
  else if (violations.length === 0) violations.push('liveness: the migration did not end');

  if (violations.length === 0) {
    clients.readEverything();
    cluster.invariants.checkConverged();
    violations.push(...history.check());
  }
  return {
    seed,
    violations,
    faults: faults.counters,
    workload: clients.workload,
    acknowledgedWrites: history.acknowledgedWrites(),
    virtualMs: scheduler.nowMs() - startMs,
    steps: scheduler.steps(),
  };
}

function chooseTables(random: Random): MigrationDefinition {
  const choice = randomInt(random, 4);
  if (choice === 0) return smallDefinition;
  const chosen = choice === 1 ? 'metadata' : 'user-sessions';
  return { ...smallDefinition, tables: smallDefinition.tables.filter(({ category }) => category === chosen) };
}

async function tell(run: Run): Promise<void> {
  const { scheduler, random, faults, cluster, clients, operator } = run;
  clients.seed();
  const faultsEndMs = 60_000 + 240_000 * random.next();
  scheduler.at(faultsEndMs, () => {
    faults.enabled = false;
  });
  const schedules = startSchedules(run);
  watch(run, schedules);
  const violate = (text: string): void => void cluster.invariants.violations.push(text);
  const traffic = runTraffic({ scheduler, faults, random, violate });
  const busy = [traffic, clients.legacy(25), clients.user(40), clients.user(40)];
  await operator.copy();
  busy.push(repairNowAndThen(run, 4));
  await operator.damageAndRepair();
  for (const to of ['hierarchical', 'flat', 'hierarchical'] as const) {
    await Promise.all(run.categories.map((category) => operator.switchTo(category, to)));
    busy.push(clients.user(8), clients.legacy(3), repairNowAndThen(run, 3));
    await scheduler.sleep(15_000 * random.next());
  }
  faults.enabled = false;
  clients.stop();
  await Promise.all(busy);
  await settle(run, scheduler.nowMs() + livenessMs);
  schedules.stop();
  // A process that was frozen all the while may still write: convergence is promised once nothing runs any more.
  while (cluster.processes.running() > 0) await scheduler.sleep(1_000);
  const { report } = await operator.verify();
  if (report.outcome !== 'verified') {
    cluster.invariants.violations.push(`verification: ${JSON.stringify(report)}`);
  }
}

/** Under either authority: what must not be repaired has to be refused. */
async function repairNowAndThen(
  { operator, scheduler, random, categories }: Run,
  times: number,
): Promise<void> {
  for (let done = 0; done < times; done += 1) {
    await scheduler.sleep(5_000 * random.next());
    const category = categories[randomInt(random, categories.length)];
    if (category !== undefined) await operator.repairForNothing(category);
  }
}

interface Schedules {
  stopped: boolean;
  stop(): void;
}

/** What EventBridge does: the relay all the time, and now and then the ranges that nobody works on. */
function startSchedules(run: Run): Schedules {
  const { cluster, scheduler } = run;
  const schedules: Schedules = {
    stopped: false,
    stop() {
      schedules.stopped = true;
    },
  };
  const repeat = async (pauseMs: number, work: () => Promise<unknown>): Promise<void> => {
    while (!schedules.stopped) {
      await work();
      await scheduler.sleep(pauseMs);
    }
  };
  const spawn = cluster.processes.spawn.bind(cluster.processes);
  void repeat(2_000, () => spawn((process) => cluster.handlers(process).relayChanges()));
  void repeat(15_000, () =>
    spawn((process) => cluster.handlers(process).planBatches({ action: 'resume-idle' })),
  );
  void repeat(30_000, () => {
    for (const queue of cluster.queues) queue.redrive();
    return Promise.resolve();
  });
  return schedules;
}

/** The books have to balance at any instant, so also at these. */
function watch(run: Run, schedules: Schedules): void {
  run.cluster.invariants.checkAccounting();
  if (!schedules.stopped) {
    run.scheduler.at(4_000 + 8_000 * run.random.next(), () => {
      watch(run, schedules);
    });
  }
}

async function settle({ cluster, operator, scheduler }: Run, deadlineMs: number): Promise<void> {
  const { world, store } = cluster;
  const isForwardSettled = (): boolean =>
    [...store.logs].every(
      ([category, log]) => (world.relayCursors.get(category) ?? 0) >= (log.at(-1)?.sequence ?? 0),
    ) &&
    [...world.relayBatches.values()].every((batches) => batches.length === 0) &&
    [...cluster.queues, ...cluster.streams].every((queue) => queue.size() === 0);
  const unreversed = (): Set<Category> =>
    new Set(
      [...world.reversePending.values()].filter(({ key }) => !isCanary(key)).map(({ category }) => category),
    );
  while (!isForwardSettled() || unreversed().size > 0) {
    if (scheduler.nowMs() > deadlineMs) {
      cluster.invariants.violations.push(
        'liveness: changes are still on their way long after the last fault',
      );
      return;
    }
    await scheduler.sleep(1_000);
    // What a stream has lost is never delivered: a switch back carries it, and another goes forward again.
    for (const category of isForwardSettled() ? unreversed() : []) {
      await operator.switchTo(category, 'flat');
      await operator.switchTo(category, 'hierarchical');
    }
  }
}
