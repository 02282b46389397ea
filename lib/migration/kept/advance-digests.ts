import type { Category } from '../category.ts';
import { readPosition, type JudgeKeysDeps } from '../judge-keys.ts';
import { foldLog } from './fold-log.ts';
import { foldStream } from './fold-stream.ts';
import type { KeptDigests } from './kept-digests.ts';
import type { StateStream, StreamChange } from './ports.ts';

export interface AdvanceDeps extends JudgeKeysDeps {
  readonly stream: StateStream;
}

export interface Advanced {
  readonly kind: 'advanced';
  /** By category: changes up to here were applied before the stream was read. The cut of a comparison. */
  readonly appliedThrough: ReadonlyMap<Category, number>;
  /** What was read of the two feeds. */
  readonly rows: number;
  readonly records: number;
  /** The last change that left a record, for a canary. */
  readonly sample: StreamChange | null;
}

/** Why the digests say nothing any more and have to be begun anew. */
export type DigestsLost =
  | 'stream-trimmed'
  | 'too-many-open-keys'
  | 'authority-moved'
  | 'log-interrupted'
  | 'torn';

const logPage = 500;
/** In memory, while both feeds are read; between two readings there is room for far fewer. */
const mostOpenKeys = 50_000;

/**
 * Folds both feeds up to now. What is applied is asked first, then the stream is read to its end, then the log: so the
 * log has every change whose effect the stream has shown, and the stream should have every effect up to the cut.
 */
export async function advanceDigests(
  deps: AdvanceDeps,
  digests: KeptDigests,
): Promise<Advanced | { readonly kind: 'lost'; readonly reason: DigestsLost }> {
  const appliedThrough = new Map<Category, number>();
  for (const { category, authority, epoch } of digests.categories) {
    const position = await readPosition(deps, category, await deps.source.lowWatermark(category));
    if (position.authority !== authority || position.lowWatermark.epoch !== epoch) {
      return { kind: 'lost', reason: 'authority-moved' };
    }
    if (((await deps.source.logGap?.(category)) ?? null) !== null)
      return { kind: 'lost', reason: 'log-interrupted' };
    appliedThrough.set(category, position.appliedThrough);
  }
  digests.shown.clear();
  const stream = await readStream(deps, digests);
  if (typeof stream === 'string') return { kind: 'lost', reason: stream };
  const rows = await readLogs(deps, digests);
  if (typeof rows === 'string') return { kind: 'lost', reason: rows };
  return { kind: 'advanced', appliedThrough, rows, ...stream };
}

async function readStream(
  deps: AdvanceDeps,
  digests: KeptDigests,
): Promise<Pick<Advanced, 'records' | 'sample'> | DigestsLost> {
  let records = 0;
  let sample: StreamChange | null = null;
  for (;;) {
    const page = await deps.stream.read(digests.position);
    if (page === null) return 'stream-trimmed';
    const fresh = foldStream(deps.definition, digests, page, deps.clock.nowMs());
    records += fresh.length;
    sample = fresh.findLast(({ after }) => after !== null) ?? sample;
    if (digests.open.size > mostOpenKeys) return 'too-many-open-keys';
    if (page.caughtUp) return { records, sample };
  }
}

async function readLogs(deps: AdvanceDeps, digests: KeptDigests): Promise<number | DigestsLost> {
  let rows = 0;
  for (const kept of digests.categories) {
    // Nobody changes rows that follow but the reverse path, which tells nothing that the stream has not told.
    if (kept.authority === 'hierarchical') continue;
    // What is logged while this reads comes with the next reading.
    const { sequence } = await deps.source.lowWatermark(kept.category);
    while (kept.logThrough < sequence) {
      const page = await deps.source.readChanges(kept.category, kept.logThrough, logPage, sequence);
      if (page.entryCount === 0) break;
      foldLog(deps.definition, digests, kept.category, page);
      rows += page.images.length;
      if (digests.open.size > mostOpenKeys) return 'too-many-open-keys';
    }
  }
  return rows;
}
