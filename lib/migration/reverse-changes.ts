import { HalError } from '../kernel/errors.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { parseExactJson } from '../kernel/canonical-json.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import { groupOf } from './bucket.ts';
import { recordPk } from './key.ts';
import type { FlatSource, ReverseChange, ReversePendingStore, TargetStore } from './ports.ts';
import { compareVersions, type StoredRecord } from './record.ts';
import type { RecordKey } from './row.ts';
import { carryCanary, isCanary } from './reverse-canary.ts';
import { tableOf } from './table-lookup.ts';

export interface ReverseChangesDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly reversePending: ReversePendingStore;
}

/**
 * What became of one image of the state table's stream. `not-ours`: flat's own write, or one of an authority that
 * is over and drained. `too-early`: flat does not follow that epoch yet; deliver it again later.
 */
export type ReverseResult = 'applied' | 'not-ours' | 'too-early';

/** Entries that are removed side by side. */
const removals = 16;

/**
 * Carries images of the state table's stream to flat, in their order for every key: of each key only the newest, all
 * of a category in one transaction. A result for every image; throws when one of them cannot be carried at all.
 */
export function makeReverseChanges(
  deps: ReverseChangesDeps,
): (images: readonly StoredRecord[]) => Promise<readonly ReverseResult[]> {
  return async (images) => {
    const results: ReverseResult[] = [];
    let before: StoredRecord[] = [];
    for (const image of images) {
      if (image.origin !== 'hierarchical' || !isCanary(image.key)) {
        before.push(image);
        continue;
      }
      // A canary says that the path is open: not before what came before it is through.
      results.push(...(await carryImages(deps, before)));
      before = [];
      await carryCanary(deps, image);
      results.push('applied');
    }
    return [...results, ...(await carryImages(deps, before))];
  };
}

async function carryImages(
  deps: ReverseChangesDeps,
  images: readonly StoredRecord[],
): Promise<readonly ReverseResult[]> {
  const records = await mapBounded(images, removals, async (image) =>
    image.origin !== 'hierarchical' || image.intact ? image : await readIntact(deps.target, image),
  );
  const ours = records.filter(({ origin }) => origin === 'hierarchical');
  const refused = new Set<string>();
  for (const [category, ofCategory] of Map.groupBy(ours, (record) => record.category)) {
    const newest = [...newestByKey(ofCategory).values()];
    for (const key of await applyToFlat(deps, category, newest)) refused.add(recordPk(key));
  }
  const results: ReverseResult[] = [];
  for (const { origin, key, category, version } of records) {
    if (origin !== 'hierarchical') results.push('not-ours');
    else if (!refused.has(recordPk(key))) results.push('applied');
    else {
      const authority = await deps.source.authority(category);
      results.push(authority.epoch > version.epoch ? 'not-ours' : 'too-early');
    }
  }
  return results;
}

function newestByKey(records: readonly StoredRecord[]): ReadonlyMap<string, StoredRecord> {
  const newest = new Map<string, StoredRecord>();
  for (const record of records) {
    const pk = recordPk(record.key);
    const known = newest.get(pk);
    if (known === undefined || compareVersions(known.version, record.version) < 0) newest.set(pk, record);
  }
  return newest;
}

/**
 * Restores and applies records with distinct keys, and clears their pending entries. Returns the keys whose epoch flat
 * refused. What an offline store does not keep stays pending: the entries say what flat lacks.
 */
export async function applyToFlat(
  deps: ReverseChangesDeps,
  category: Category,
  records: readonly StoredRecord[],
): Promise<readonly RecordKey[]> {
  const changes = records.map((record) => reverseChange(deps.definition, record));
  const outcomes = await deps.source.applyReverse(category, changes);
  const arrived = changes.filter((_, at) => outcomes[at] === 'applied' || outcomes[at] === 'already-newer');
  await mapBounded(arrived, removals, ({ key, version }) =>
    deps.reversePending.remove({ key, category, group: groupOf(key), version }),
  );
  return changes.filter((_, at) => outcomes[at] === 'refused-epoch').map(({ key }) => key);
}

/** What flat has to hold for a record. Throws HalError `RecordDamaged`. */
export function reverseChange(definition: MigrationDefinition, record: StoredRecord): ReverseChange {
  const { key, version, body } = record;
  if (!record.intact) throw damaged(record);
  if (body === null) return { key, version, row: null };
  const { transform } = tableOf(definition, key.recordType);
  try {
    return { key, version, row: transform.restore(parseExactJson(body)) };
  } catch (cause) {
    throw damaged(record, cause instanceof Error ? cause.message : 'unknown');
  }
}

async function readIntact(target: TargetStore, image: StoredRecord): Promise<StoredRecord> {
  const stored = (await target.read([image.key])).get(recordPk(image.key));
  if (stored === undefined || !stored.intact) throw damaged(image);
  return stored;
}

function damaged(record: StoredRecord, reason?: string): HalError {
  return new HalError({
    name: 'RecordDamaged',
    message:
      reason === undefined
        ? `the hierarchical record ${recordPk(record.key)} does not match its hash`
        : `the hierarchical record ${recordPk(record.key)} has no flat form: ${reason}`,
    remedy: 'restore the record from a backup or write it again; it is not carried to the flat store',
    facts: { key: record.key, version: record.version },
  });
}
