import type { Clock } from '../kernel/clock.ts';
import type { Category } from './category.ts';
import { readChangeSlice } from './change-slice.ts';
import type { FlatSource, RelayBatch, RelayStore } from './ports.ts';
import { applyImages, type WriteImagesDeps } from './write-images.ts';

export interface DrainForwardDeps extends WriteImagesDeps {
  readonly source: FlatSource;
  readonly relay: RelayStore;
  readonly clock: Clock;
}

const batchEntries = 500;
const pendingPage = 50;

/**
 * Applies every change up to `throughSequence` here and now, through the same conditional writes as the queue's
 * workers, and without waiting for them. Returns only when the log up to there is read and no batch of it is open.
 */
export async function drainForward(
  deps: DrainForwardDeps,
  category: Category,
  throughSequence: number,
  /** Called between two batches; what it throws ends the drain, which may be begun again at any time. */
  mayGoOn: () => void = () => undefined,
): Promise<void> {
  for (;;) {
    mayGoOn();
    const read = await applyNext(deps, category, throughSequence);
    const open = (await deps.relay.pending(category, pendingPage)).filter(
      (batch) => batch.afterSequence < throughSequence,
    );
    for (const batch of open) {
      mayGoOn();
      await applyBatch(deps, batch);
    }
    if (read === 0 && open.length === 0) return;
  }
}

/** Reads and applies the next slice; 0 when the log is read up to the limit. */
async function applyNext(
  deps: DrainForwardDeps,
  category: Category,
  throughSequence: number,
): Promise<number> {
  const afterSequence = await deps.relay.cursor(category);
  const span = { afterSequence, limit: batchEntries, throughSequence };
  const slice = await readChangeSlice(deps.source, category, span, deps.bodies);
  if (slice.entryCount === 0) return 0;
  const sentAtMs = deps.clock.nowMs();
  const batch = { category, afterSequence, throughSequence: slice.throughSequence, sentAtMs };
  // When a relay was faster the batch is open under its name, and found there.
  if (await deps.relay.begin(batch)) {
    await applyImages(deps, category, slice);
    await deps.relay.finish(category, slice.throughSequence);
  }
  return slice.entryCount;
}

async function applyBatch(deps: DrainForwardDeps, batch: RelayBatch): Promise<void> {
  const { category, afterSequence, throughSequence } = batch;
  const limit = throughSequence - afterSequence;
  const span = { afterSequence, limit, throughSequence };
  const slice = await readChangeSlice(deps.source, category, span, deps.bodies);
  await applyImages(deps, category, slice);
  await deps.relay.finish(category, throughSequence);
}
