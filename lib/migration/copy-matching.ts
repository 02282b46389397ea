import * as z from 'zod/mini';

import type { Category } from './category.ts';
import { recordPk } from './key.ts';
import type { FlatSource, RangePage, SourceImage, TargetStore } from './ports.ts';
import { matchRow, type RowFilter } from './row-filter.ts';
import type { StopIfStrict } from './stop-if-strict.ts';
import { tablesOf, type MigratedTable } from './table-lookup.ts';
import type { WorkerThrottle } from './worker-throttle.ts';
import { backfillImages, type WriteImagesDeps } from './write-images.ts';

export interface CopyMatchingDeps extends WriteImagesDeps {
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly throttle?: Pick<WorkerThrottle, 'refresh' | 'isStopped'>;
  readonly stopIfStrict?: StopIfStrict;
  /** Rows of one page; default 250. */
  readonly pageSize?: number;
}

export interface MatchingCounts {
  readonly read: number;
  /** Copied, or found there already. */
  readonly matched: number;
  readonly quarantined: number;
  /** Rows that nothing has brought to the target yet, and that the change log will not bring. */
  readonly left: number;
}

export interface CopyMatchingAnswer {
  readonly counts: MatchingCounts;
  /** Where it goes on; null at the end. */
  readonly cursor: string | null;
  /** The copy was stopped, by an operator or by strict validation. */
  readonly stopped: boolean;
}

const cursorSchema = z.object({
  table: z.int(),
  after: z.nullable(z.array(z.union([z.string(), z.object({ i: z.string() })]))),
});

/**
 * Copies what matches a filter ahead of the ranges, by the same conditional writes: what is there stays, and the ranges
 * find it there. Rows of other values are only looked for on the target, so that the end of a category can be told.
 */
export function makeCopyMatching(
  deps: CopyMatchingDeps,
): (
  request: { readonly category: Category; readonly filter: RowFilter; readonly cursor: string | null },
  untilMs: number,
) => Promise<CopyMatchingAnswer> {
  return async ({ category, filter, cursor }, untilMs) => {
    const tables = tablesOf(deps.definition, category);
    let place = cursor === null ? { table: 0, after: null } : decode(cursor);
    let counts: MatchingCounts = { read: 0, matched: 0, quarantined: 0, left: 0 };
    for (;;) {
      const table = tables[place.table];
      if (table === undefined) return { counts, cursor: null, stopped: false };
      await deps.throttle?.refresh();
      if (deps.throttle?.isStopped() === true || deps.clock.nowMs() >= untilMs) {
        return { counts, cursor: encode(place), stopped: deps.throttle?.isStopped() === true };
      }
      const range = { after: place.after, upTo: null };
      const page = await deps.source.readRange(table.recordType, range, deps.pageSize ?? 250);
      counts = plus(counts, await copyPage(deps, table, filter, page));
      place =
        page.nextAfter === null
          ? { table: place.table + 1, after: null }
          : { table: place.table, after: page.nextAfter };
    }
  };
}

async function copyPage(
  deps: CopyMatchingDeps,
  table: MigratedTable,
  filter: RowFilter,
  page: RangePage,
): Promise<MatchingCounts> {
  const nowMs = deps.clock.nowMs();
  const { wanted = [], others = [] } = Object.groupBy(page.images, ({ row }) =>
    row === null || matchRow(filter, table, row, nowMs) === 'differs' ? 'others' : 'wanted',
  );
  const { quarantined } = await backfillImages(deps, wanted, page.lowWatermark);
  await deps.stopIfStrict?.({ quarantined });
  const left = await countLeft(deps, others);
  return { read: page.images.length, matched: wanted.length, quarantined, left };
}

/** A row that changed since the log began has a version of its own: the relay brings it. */
async function countLeft({ target }: CopyMatchingDeps, images: readonly SourceImage[]): Promise<number> {
  const keys = images.filter(({ version }) => version === null).map(({ key }) => key);
  if (keys.length === 0) return 0;
  const stored = await target.read(keys);
  return keys.filter((key) => !stored.has(recordPk(key))).length;
}

function plus(left: MatchingCounts, right: MatchingCounts): MatchingCounts {
  return {
    read: left.read + right.read,
    matched: left.matched + right.matched,
    quarantined: left.quarantined + right.quarantined,
    left: left.left + right.left,
  };
}

interface Place {
  readonly table: number;
  readonly after: RangePage['nextAfter'];
}

function encode({ table, after }: Place): string {
  const parts = after?.map((part) => (typeof part === 'bigint' ? { i: String(part) } : part)) ?? null;
  return JSON.stringify({ table, after: parts });
}

function decode(cursor: string): Place {
  const { table, after } = cursorSchema.parse(JSON.parse(cursor));
  const parts = after?.map((part) => (typeof part === 'string' ? part : BigInt(part.i))) ?? null;
  return { table, after: parts };
}
