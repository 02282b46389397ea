import type { Clock } from '../../kernel/clock.ts';
import type { FlagStore } from '../../flags/ports.ts';
import { isRollbackAlarm } from '../../monitoring/alarm-definitions.ts';
import type { AlarmReader, HealthProbe } from '../../monitoring/ports.ts';
import {
  describeHeldLog,
  fullHeldLogPercent,
  heldLogPercent,
  highHeldLogPercent,
} from '../../migration/held-log.ts';
import { copyTimeLeftMs, hours } from '../../migration/copy-time.ts';
import type { HeldLog, Retention } from '../../migration/ports.ts';
import type { RouteStore } from '../../router/ports.ts';
import { describeShape } from '../../migration/source-shape.ts';
import type { FunctionInvoker } from '../function-invoker.ts';
import type { RunStore } from '../ports.ts';
import { isActive } from '../run.ts';
import { faultOf, parseSource } from '../state-answers.ts';

export interface PreCheckDeps {
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly routes: RouteStore;
  readonly alarms: AlarmReader;
  readonly invoker: FunctionInvoker;
  readonly probe: HealthProbe;
  readonly clock: Clock;
  /** On AWS a flat store that is a file on somebody's disk cannot be reached by the functions. */
  readonly place: 'aws' | 'local';
  readonly sourceKind:
    | 'sqlite'
    | 'postgres'
    | 'postgres-url'
    | 'dynamodb'
    | 'dynamodb-endpoint'
    | 'jsonl'
    | 's3';
}

export interface Check {
  readonly name: string;
  readonly result: 'pass' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it; null when it passed. */
  readonly remedy: string | null;
}

export interface PreCheckReport {
  /** False when a check failed; a warning does not stop anybody. */
  readonly ready: boolean;
  readonly checks: readonly Check[];
}

/** Everything that should hold before a phase is entered. Each check runs, whatever the others found. */
export async function preCheck(deps: PreCheckDeps): Promise<PreCheckReport> {
  const checks = await Promise.all([
    guarded('control-table', () => checkRuns(deps)),
    guarded('flags', () => checkFlags(deps)),
    guarded('routes', () => checkRoutes(deps)),
    guarded('alarms', () => checkAlarms(deps)),
    guarded('flat-health', () => checkOrigin(deps, 'flat')),
    guarded('hierarchical-health', () => checkOrigin(deps, 'hierarchical')),
    guarded('source', () => checkSource(deps)),
    Promise.resolve([checkStatePhase(deps)]),
  ]).then((found) => found.flat());
  return { ready: checks.every(({ result }) => result !== 'fail'), checks };
}

async function guarded(
  name: string,
  check: () => Promise<Check | readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return [await check()].flat();
  } catch (fault) {
    const { message } = faultOf(fault);
    const { remedy } = fault as { remedy?: string };
    return [fail(name, message, remedy ?? 'Look whether it is deployed and reachable.')];
  }
}

const pass = (name: string, detail: string): Check => ({ name, result: 'pass', detail, remedy: null });

const fail = (name: string, detail: string, remedy: string): Check => ({
  name,
  result: 'fail',
  detail,
  remedy,
});

async function checkRuns(deps: PreCheckDeps): Promise<Check> {
  const run = await deps.runs.current();
  if (run === null || !isActive(run)) return pass('control-table', 'no migration is running');
  return {
    name: 'control-table',
    result: 'warn',
    detail: `migration ${run.runId} is ${run.status} in phase ${run.phase}`,
    remedy: 'Wait for it, or see: hal9-migrate status',
  };
}

async function checkFlags(deps: PreCheckDeps): Promise<Check> {
  const { document, version } = await deps.flags.readFlags();
  if (!document.killSwitch)
    return pass('flags', `version ${version}, routing epoch ${document.routingEpoch}`);
  return {
    name: 'flags',
    result: 'fail',
    detail: 'the kill switch is set: everybody stays on flat',
    remedy: 'Release it when its cause is cleared: hal9-migrate feature enable hierarchical_routing',
  };
}

async function checkRoutes(deps: PreCheckDeps): Promise<Check> {
  const routes = await deps.routes.read();
  if (routes !== null) return pass('routes', `published at routing epoch ${routes.routingEpoch}`);
  return {
    name: 'routes',
    result: 'warn',
    detail: 'no routes are published: the edges send everybody to flat',
    remedy: 'They are published with the first step; if this stays, look at publish-routes.',
  };
}

async function checkAlarms(deps: PreCheckDeps): Promise<Check> {
  const alarms = await deps.alarms.list();
  const guards = alarms.filter(({ name }) => isRollbackAlarm(name));
  if (guards.length === 0) return fail('alarms', 'no alarm would roll back', 'Deploy the monitoring stack.');
  const red = alarms.filter(({ state }) => state === 'ALARM').map(({ name }) => name);
  if (red.length > 0)
    return fail('alarms', `in ALARM: ${red.join(', ')}`, 'Follow the runbook of the alarm.');
  const muted = guards.filter(({ actionsEnabled }) => !actionsEnabled).map(({ name }) => name);
  if (muted.length > 0)
    return fail('alarms', `muted: ${muted.join(', ')}`, 'Switch the actions of these alarms on.');
  const blind = guards.filter(({ state }) => state === 'INSUFFICIENT_DATA').map(({ name }) => name);
  if (blind.length === 0) return pass('alarms', `${alarms.length} alarms, all quiet`);
  return {
    name: 'alarms',
    result: 'warn',
    detail: `INSUFFICIENT_DATA: ${blind.join(', ')}`,
    remedy: 'Normal before the first minutes; gates wait until there is data.',
  };
}

async function checkOrigin(deps: PreCheckDeps, system: 'flat' | 'hierarchical'): Promise<Check> {
  const { healthy, detail } = await deps.probe.check(system);
  const name = `${system}-health`;
  if (healthy) return pass(name, detail);
  return { name, result: 'fail', detail, remedy: `Bring the ${system} system up, or correct its origin.` };
}

async function checkSource(deps: PreCheckDeps): Promise<readonly Check[]> {
  const { tables, shape, changeLogInstalled, heldLog, retention } = parseSource(
    await deps.invoker.invoke('prepare-source', { action: 'inspect' }),
  );
  const rows = tables.reduce((total, { rowCount }) => total + rowCount, 0);
  const log = changeLogInstalled ? 'change log installed' : 'change log not installed yet';
  const schema = shape === undefined ? '' : describeShape(shape);
  const parts = [...(schema === '' ? [] : [schema]), `${tables.length} tables, ${rows} rows, ${log}`];
  return [
    pass('source', parts.join(', ')),
    ...(heldLog === null || heldLog === undefined ? [] : [checkHeldLog(heldLog)]),
    ...(retention === null || retention === undefined ? [] : [checkRetention(retention, deps.clock.nowMs())]),
  ];
}

/** A server that keeps more and more of its log gives it up, or fills its disk. */
function checkHeldLog(held: HeldLog): Check {
  const name = 'replication-slot';
  const detail = describeHeldLog(held);
  if (held.isLost) {
    return fail(
      name,
      detail,
      'Prepare the source again with `hal9-migrate state migrate`, then compare everything with `hal9-migrate reconcile --full --fix-mode auto`.',
    );
  }
  const percent = heldLogPercent(held);
  const remedy =
    'See that relay-changes runs (its log says why not), end long transactions (pg_stat_activity), or raise max_slot_wal_keep_size.';
  if (percent >= fullHeldLogPercent) return fail(name, `nearly out of room: ${detail}`, remedy);
  if (percent >= highHeldLogPercent) return { name, result: 'warn', detail, remedy };
  return pass(name, detail);
}

/** A store that drops its changes, read or not: a copy has to end before what changes in it is gone. */
function checkRetention(retention: Retention, nowMs: number): Check {
  const name = 'change-streams';
  const leftMs = copyTimeLeftMs(retention, nowMs);
  const detail = `read to their end ${hours(nowMs - retention.readAtMs)} ago, kept for ${hours(retention.keptMs)}`;
  if (leftMs >= retention.keptMs / 2) return pass(name, detail);
  const remedy = 'See that relay-changes runs: its log says why not.';
  return { name, result: leftMs === 0 ? 'fail' : 'warn', detail, remedy };
}

function checkStatePhase(deps: PreCheckDeps): Check {
  if (deps.sourceKind === 's3' || (deps.sourceKind === 'jsonl' && deps.place === 'local')) {
    return {
      name: 'state-phase',
      result: 'warn',
      detail: 'the flat store is files: authority over the state goes forward, and never back to them',
      remedy: 'Migrate from a live store where a rollback has to take the state back too.',
    };
  }
  const isReached = deps.sourceKind === 'postgres' || deps.sourceKind === 'dynamodb';
  if (deps.place === 'local' || isReached) return pass('state-phase', 'the source can be reached');
  if (deps.sourceKind === 'dynamodb-endpoint') {
    return {
      name: 'state-phase',
      result: 'fail',
      detail:
        'the flat store is named by the endpoint of an engine, which stands in for DynamoDB on one machine',
      remedy: 'Leave "endpoint" out in the deploy file: the tables are then those of the account.',
    };
  }
  if (deps.sourceKind === 'postgres-url') {
    return {
      name: 'state-phase',
      result: 'fail',
      detail: 'the flat store is named by a URL, whose credentials would stand in the templates',
      remedy: 'Name it by "host", "database", "secretArn" and "network" in the deploy file.',
    };
  }
  return {
    name: 'state-phase',
    result: 'fail',
    detail: `the flat store is a ${deps.sourceKind === 'jsonl' ? 'JSON Lines' : 'SQLite'} file: functions on AWS cannot open a file on another machine`,
    remedy:
      'Rehearse it with: hal9-migrate local up. On AWS the state phase needs a source with a network address.',
  };
}
