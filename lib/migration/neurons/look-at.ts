import { parseExactJson } from '../../kernel/canonical-json.ts';
import type { Verdict } from '../compare-record.ts';
import {
  judgeAgain,
  judgeImages,
  recheckAfterMs,
  type ImageSnapshot,
  type JudgedKey,
  type JudgeKeysDeps,
} from '../judge-keys.ts';
import { recordPk } from '../key.ts';
import type { FlatRow, RecordKey } from '../row.ts';
import { tableOf } from '../table-lookup.ts';
import { bodyOf } from './graph-tables.ts';

/** One record as both systems, or flat alone, have it. */
export interface Looked {
  readonly key: RecordKey;
  readonly row: FlatRow | null;
  /** `differs` where it differed and was not looked at again. */
  readonly verdict: Verdict | 'pending' | 'differs';
  /** Its hierarchical form, as stored where both sides were looked at; null when there is none. */
  readonly body: Record<string, unknown> | null;
}

export type LookAt = (snapshot: ImageSnapshot) => Promise<readonly Looked[]>;

/** Differences of one page that are looked at again, in case their changes are on the way; a page with more differs. */
const mostLookedAtAgain = 50;

/** A layer is judged as a whole, so a change on its way is waited for: this long, and only then it is a fault. */
const pendingPatienceMs = 5_000;
const pendingRechecks = pendingPatienceMs / recheckAfterMs;

/** Both sides: a record counts as verified only with equal content and an intact hash. */
export function makeLookAtBoth(deps: JudgeKeysDeps, category: string): LookAt {
  return async (snapshot) => {
    const { settled, unsettled } = await judgeImages(deps, category, snapshot);
    if (unsettled.length === 0) return settled.map((judged) => lookedAt(deps, judged));
    if (unsettled.length <= mostLookedAtAgain) {
      const again = await judgeAgain(deps, category, unsettled, pendingRechecks);
      return [...settled, ...again].map((judged) => lookedAt(deps, judged));
    }
    const rows = new Map(snapshot.images.map(({ key, row }) => [recordPk(key), row]));
    const differing = unsettled.map((key): Looked => {
      const row = rows.get(recordPk(key)) ?? null;
      return { key, row, verdict: 'differs', body: flatBody(deps, key, row) };
    });
    return [...settled.map((judged) => lookedAt(deps, judged)), ...differing];
  };
}

/** The flat store by itself: what has a hierarchical form counts as verified. */
export function makeLookAtFlat(deps: Pick<JudgeKeysDeps, 'definition' | 'clock'>): LookAt {
  return ({ images }) =>
    Promise.resolve(
      images.map(({ key, row }): Looked => {
        const body = flatBody(deps, key, row);
        const present = body === null ? 'quarantined' : 'verified';
        return { key, row, verdict: row === null ? 'absent' : present, body };
      }),
    );
}

function lookedAt(deps: JudgeKeysDeps, { key, image, verdict, stored }: JudgedKey): Looked {
  const text = verdict === 'verified' ? (stored?.body ?? null) : null;
  const body = text === null ? flatBody(deps, key, image.row) : (parseExactJson(text) as Looked['body']);
  return { key, row: image.row, verdict, body };
}

function flatBody(
  { definition, clock }: Pick<JudgeKeysDeps, 'definition' | 'clock'>,
  key: RecordKey,
  row: FlatRow | null,
): Looked['body'] {
  return row === null ? null : bodyOf(tableOf(definition, key.recordType), row, clock.nowMs());
}
