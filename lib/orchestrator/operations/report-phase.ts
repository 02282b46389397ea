import type { AuditLog } from '../../audit/ports.ts';
import { verifyChain, type AuditRecord, type ChainVerdict } from '../../audit/record.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Category } from '../../migration/category.ts';
import type { ForecastAgainstActual } from '../../migration/run-forecast.ts';
import type { StateDescription } from '../../migration/state-description.ts';
import type { CategoryStatus } from '../../migration/state-status.ts';
import { commonMode, writeModeOf, type WriteMode } from '../../migration/write-mode.ts';
import type { AlarmReader } from '../../monitoring/ports.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { FunctionInvoker } from '../function-invoker.ts';
import type { CheckpointStore } from '../ports.ts';
import { openIssues, settledIssues, type Issue } from './report-issues.ts';

export interface ReportPhaseDeps {
  readonly invoker: FunctionInvoker;
  readonly checkpoints: CheckpointStore;
  readonly audit: AuditLog;
  readonly alarms: AlarmReader;
  readonly clock: Clock;
}

interface CategoryReport {
  readonly category: Category;
  readonly writeMode: WriteMode;
  /** Rows of flat now. */
  readonly rows: number;
  readonly copied: boolean;
  readonly counts: CategoryStatus['backfill']['counts'];
  readonly quarantined: number;
  /** How long writers waited at the last switch; null before the first. */
  readonly stallMs: number | null;
}

/** What became of the state phase, from what the migration itself wrote down. */
export interface StatePhaseReport {
  readonly phase: 'state-migration';
  /** `complete` only while what was marked complete still holds. */
  readonly outcome: 'not-begun' | 'under-way' | 'copied' | 'switched' | 'complete';
  readonly madeAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly categories: readonly CategoryReport[];
  readonly forecast: ForecastAgainstActual | null;
  /** What held when the phase was marked complete; empty before. */
  readonly evidence: readonly { readonly name: string; readonly detail: string }[];
  readonly issues: readonly Issue[];
  /** Oldest first, since the beginning. */
  readonly checkpoints: readonly Checkpoint[];
  /** Oldest first, since the beginning. */
  readonly events: readonly AuditRecord[];
  readonly auditChain: ChainVerdict;
}

const auditPage = 200;
const mostCheckpoints = 100;

/** Reads only. */
export async function reportStatePhase(deps: ReportPhaseDeps): Promise<StatePhaseReport> {
  const [description, checkpoints, alarms, records] = await Promise.all([
    describe(deps),
    deps.checkpoints.list(mostCheckpoints),
    deps.alarms.list(),
    readAudit(deps.audit),
  ]);
  const startedAtMs = startOf(description, records);
  const completion = validCompletion(description, records);
  const isSince = (atMs: number): boolean => startedAtMs !== null && atMs >= startedAtMs;
  const events = records.filter(({ atMs }) => isSince(atMs));
  return {
    phase: 'state-migration',
    outcome: completion === null ? outcomeOf(description) : 'complete',
    madeAtMs: deps.clock.nowMs(),
    startedAtMs,
    endedAtMs: completion?.atMs ?? null,
    categories: description.categories.map((status) => categoryReport(status, description)),
    forecast: description.forecast,
    evidence: evidenceOf(completion),
    issues: [...openIssues(description, alarms), ...settledIssues(events)],
    // A checkpoint from before the beginning is what the state would go back to.
    checkpoints: checkpoints.toReversed(),
    events,
    auditChain: verifyChain(records),
  };
}

async function describe({ invoker }: ReportPhaseDeps): Promise<StateDescription> {
  return (await invoker.invoke('describe-state', {})) as StateDescription;
}

async function readAudit(audit: AuditLog): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (;;) {
    const page = await audit.list(records.at(-1)?.sequence ?? 0, auditPage);
    records.push(...page);
    if (page.length < auditPage) return records;
  }
}

/** When migration mode was first turned on, or the copy began without it. */
function startOf({ forecast }: StateDescription, records: readonly AuditRecord[]): number | null {
  const enabled = records.find(({ action }) => action === 'enable-migration-mode');
  const starts = [enabled?.atMs, forecast?.startedAtMs].filter((atMs) => atMs !== undefined);
  return starts.length === 0 ? null : Math.min(...starts);
}

/** The last completion, unless authority moved after it. */
function validCompletion(description: StateDescription, records: readonly AuditRecord[]): AuditRecord | null {
  const completion = records.findLast(
    ({ action, facts }) => action === 'complete-phase' && facts['phase'] === 'state-migration',
  );
  if (completion === undefined || outcomeOf(description) !== 'switched') return null;
  const movedAtMs = Math.max(...description.categories.map(({ switch: last }) => last?.openedAtMs ?? 0));
  return completion.atMs >= movedAtMs ? completion : null;
}

function outcomeOf({ changeLogInstalled, categories, settings }: StateDescription) {
  if (!changeLogInstalled || categories.length === 0) return 'not-begun';
  const modes = categories.map(
    (status) => [status.category, writeModeOf(status, settings.migrationMode)] as const,
  );
  if (commonMode(modes) === 'hierarchical-only') return 'switched';
  return categories.every(({ backfill }) => backfill.complete) ? 'copied' : 'under-way';
}

function categoryReport(status: CategoryStatus, { settings }: StateDescription): CategoryReport {
  const { category, rows, backfill, quarantined, switch: last } = status;
  return {
    category,
    writeMode: writeModeOf(status, settings.migrationMode),
    rows,
    copied: backfill.complete,
    counts: backfill.counts,
    quarantined,
    stallMs: last?.stallMs ?? null,
  };
}

function evidenceOf(completion: AuditRecord | null): StatePhaseReport['evidence'] {
  const evidence = completion?.facts['evidence'];
  return Array.isArray(evidence) ? (evidence as StatePhaseReport['evidence']) : [];
}
