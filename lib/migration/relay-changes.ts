import type { Clock } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import { maxMessageBytes, readChangeSlice, type ChangeSlice } from './change-slice.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { ChangeQueue, FlatSource, RelayBatch, RelayStore } from './ports.ts';

export interface RelayChangesDeps {
  readonly source: FlatSource;
  readonly relay: RelayStore;
  readonly queue: ChangeQueue;
  readonly clock: Clock;
  /** Where rows go that fit no message; without it they are quarantined. */
  readonly bodies?: LargeBodies;
  /** Log entries of one message; default 200. */
  readonly batchEntries?: number;
  /** A batch that is open for longer is sent again; default 30 s. */
  readonly resendAfterMs?: number;
  /** No new batch while this many are open; default 200. */
  readonly maxOpenBatches?: number;
}

export interface RelayOutcome {
  readonly sent: number;
  readonly resent: number;
  /** False when there is more to read at once. */
  readonly caughtUp: boolean;
}

/** One step for one category: at most one new batch, and every batch that is overdue. Call it in a loop. */
export function makeRelayChanges(deps: RelayChangesDeps): (category: Category) => Promise<RelayOutcome> {
  const resentAtMs = new Map<string, number>();
  return async (category) => {
    const open = await deps.relay.pending(category, deps.maxOpenBatches ?? 200);
    const resent = await resendOverdue(deps, open, resentAtMs);
    if (open.length >= (deps.maxOpenBatches ?? 200)) return { sent: 0, resent, caughtUp: false };
    return { ...(await sendNext(deps, category)), resent };
  };
}

async function sendNext(
  deps: RelayChangesDeps,
  category: Category,
): Promise<Pick<RelayOutcome, 'sent' | 'caughtUp'>> {
  const afterSequence = await deps.relay.cursor(category);
  const { slice, isLast } = await readFittingSlice(deps, category, afterSequence);
  if (slice.entryCount === 0) {
    await requireSameLog(deps.source, category, afterSequence);
    return { sent: 0, caughtUp: true };
  }
  const { throughSequence } = slice;
  const sentAtMs = deps.clock.nowMs();
  const begun = await deps.relay.begin({ category, afterSequence, throughSequence, sentAtMs });
  // Another relay was faster: its batch holds these changes.
  if (!begun) return { sent: 0, caughtUp: false };
  await sendSlice(deps, { category, afterSequence, throughSequence, sentAtMs }, slice);
  return { sent: 1, caughtUp: isLast };
}

/** A store that was put back to an earlier copy gives sequences a second time; what it logs would never be read. */
async function requireSameLog(source: FlatSource, category: Category, readThrough: number): Promise<void> {
  const { sequence } = await source.lowWatermark(category);
  if (sequence >= readThrough) return;
  throw new HalError({
    name: 'ChangeLogMissing',
    message: `the change log ends at ${sequence}, and was already read up to ${readThrough}: the flat store was replaced by an earlier copy`,
    remedy: 'put back the flat store that was migrated, or migrate this one to a target of its own',
    exit: 'conflict',
    facts: { category, sequence, readThrough },
  });
}

async function readFittingSlice(
  deps: RelayChangesDeps,
  category: Category,
  afterSequence: number,
): Promise<{ readonly slice: ChangeSlice; readonly isLast: boolean }> {
  let limit = deps.batchEntries ?? 200;
  for (;;) {
    const slice = await readChangeSlice(deps.source, category, { afterSequence, limit }, deps.bodies);
    if (slice.lengthBytes <= maxMessageBytes || limit === 1) {
      return { slice, isLast: slice.entryCount < limit };
    }
    limit = Math.max(1, limit >> 1);
  }
}

async function resendOverdue(
  deps: RelayChangesDeps,
  open: readonly RelayBatch[],
  resentAtMs: Map<string, number>,
): Promise<number> {
  const nowMs = deps.clock.nowMs();
  const overdue = open.filter((batch) => {
    const lastMs = resentAtMs.get(nameOf(batch)) ?? batch.sentAtMs;
    return nowMs - lastMs >= (deps.resendAfterMs ?? 30_000);
  });
  for (const batch of overdue) {
    const { category, afterSequence, throughSequence } = batch;
    const limit = throughSequence - afterSequence;
    const span = { afterSequence, limit, throughSequence };
    const slice = await readChangeSlice(deps.source, category, span, deps.bodies);
    await sendSlice(deps, batch, slice);
    resentAtMs.set(nameOf(batch), nowMs);
  }
  forgetOld(resentAtMs, nowMs - 10 * (deps.resendAfterMs ?? 30_000));
  return overdue.length;
}

/** A slice that has nothing left to apply is finished without a message. */
async function sendSlice(deps: RelayChangesDeps, batch: RelayBatch, slice: ChangeSlice): Promise<void> {
  const { category, afterSequence, throughSequence } = batch;
  const { images, oversized } = slice;
  if (images.length + oversized.length === 0) await deps.relay.finish(category, throughSequence);
  else await deps.queue.send({ category, afterSequence, throughSequence, images, oversized });
}

function nameOf(batch: RelayBatch): string {
  return `${batch.category}/${batch.throughSequence}`;
}

function forgetOld(times: Map<string, number>, beforeMs: number): void {
  for (const [name, atMs] of times) {
    if (atMs < beforeMs) times.delete(name);
  }
}
