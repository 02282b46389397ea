import type { Clock } from '../../kernel/clock.ts';
import type { FlagStore } from '../../flags/ports.ts';
import { checkpointId, sealCheckpoint, type CategoryMark, type Checkpoint } from '../checkpoint.ts';
import type { FunctionInvoker } from '../function-invoker.ts';
import type { CheckpointStore, RunStore } from '../ports.ts';
import { faultOf, parseSource, type SourceAnswer } from '../state-answers.ts';

export interface CheckpointDeps {
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly invoker: FunctionInvoker;
  readonly checkpoints: CheckpointStore;
  readonly clock: Clock;
}

export interface CheckpointRequest {
  readonly name: string;
  readonly description?: string;
  readonly kind: Checkpoint['kind'];
  readonly createdBy: string;
  /** Phase that is about to be entered; the present one when absent. */
  readonly phase?: string;
  /** When it was begun, which its id tells; now when absent. */
  readonly createdAtMs?: number;
  readonly content?: Pick<Checkpoint, 'hashes' | 'backup'>;
}

/** Writes down where everything stands. A source that cannot be read is noted, not fatal. */
export async function createCheckpoint(
  deps: CheckpointDeps,
  request: CheckpointRequest,
): Promise<Checkpoint> {
  const [run, flags, source] = await Promise.all([deps.runs.current(), readFlags(deps), readSource(deps)]);
  const createdAtMs = request.createdAtMs ?? deps.clock.nowMs();
  const checkpoint = sealCheckpoint({
    checkpointId: checkpointId(request.name, createdAtMs),
    name: request.name,
    description: request.description ?? null,
    kind: request.kind,
    phase: request.phase ?? run?.phase ?? 'none',
    createdAtMs,
    createdBy: request.createdBy,
    runId: run?.runId ?? null,
    flags,
    ...source,
    ...request.content,
  });
  await deps.checkpoints.put(checkpoint);
  return checkpoint;
}

/** Newest first. */
export function listCheckpoints(
  deps: Pick<CheckpointDeps, 'checkpoints'>,
  limit = 50,
): Promise<readonly Checkpoint[]> {
  return deps.checkpoints.list(limit);
}

async function readFlags(deps: CheckpointDeps): Promise<Checkpoint['flags']> {
  const { document, version } = await deps.flags.readFlags();
  const { routingEpoch, trafficThousandths, killSwitch } = document;
  return { version, routingEpoch, trafficThousandths, killSwitch };
}

async function readSource(deps: CheckpointDeps): Promise<Pick<Checkpoint, 'categories' | 'sourceFault'>> {
  try {
    const answer = parseSource(await deps.invoker.invoke('prepare-source', { action: 'status' }));
    return { categories: marksOf(answer), sourceFault: null };
  } catch (fault) {
    return { categories: null, sourceFault: faultOf(fault).message };
  }
}

function marksOf({ tables, authorities }: SourceAnswer): readonly CategoryMark[] {
  const rows = new Map<string, number>();
  for (const { category, rowCount } of tables) rows.set(category, (rows.get(category) ?? 0) + rowCount);
  return [...rows].map(([category, count]) => ({
    category,
    rows: count,
    authority: authorities[category]?.state ?? 'unknown',
    epoch: authorities[category]?.epoch ?? null,
  }));
}
