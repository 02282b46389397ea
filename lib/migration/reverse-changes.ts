import { HalError } from '../kernel/errors.ts';
import { parseExactJson } from '../kernel/canonical-json.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import { groupOf } from './bucket.ts';
import { recordPk } from './key.ts';
import type { FlatSource, ReverseChange, ReversePendingStore, TargetStore } from './ports.ts';
import type { StoredRecord } from './record.ts';
import { carryCanary, isCanary } from './reverse-canary.ts';
import { tableOf } from './table-lookup.ts';

export interface ReverseChangesDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly reversePending: ReversePendingStore;
}

/**
 * Carries one image of the state table's stream to flat. `not-ours`: flat's own write, or one of an authority that
 * is over and drained. `too-early`: flat does not follow that epoch yet; deliver it again later.
 */
export type ReverseResult = 'applied' | 'not-ours' | 'too-early';

export function makeReverseChanges(
  deps: ReverseChangesDeps,
): (record: StoredRecord) => Promise<ReverseResult> {
  return async (image) => {
    if (image.origin !== 'hierarchical') return 'not-ours';
    if (isCanary(image.key)) {
      await carryCanary(deps, image);
      return 'applied';
    }
    const record = image.intact ? image : await readIntact(deps.target, image);
    if (record.origin !== 'hierarchical') return 'not-ours';
    const applied = await applyToFlat(deps, record.category, [record]);
    if (applied) return 'applied';
    const authority = await deps.source.authority(record.category);
    return authority.epoch > record.version.epoch ? 'not-ours' : 'too-early';
  };
}

/**
 * Restores, applies and clears the pending entries; false when flat refused the epoch of a record. What an offline
 * store does not keep stays pending: the entries say what flat lacks.
 */
export async function applyToFlat(
  deps: ReverseChangesDeps,
  category: Category,
  records: readonly StoredRecord[],
): Promise<boolean> {
  const changes = records.map((record) => reverseChange(deps.definition, record));
  const outcomes = await deps.source.applyReverse(category, changes);
  let accepted = true;
  for (const [at, { key, version }] of changes.entries()) {
    if (outcomes[at] === 'refused-epoch') accepted = false;
    else if (outcomes[at] !== 'not-kept')
      await deps.reversePending.remove({ key, category, group: groupOf(key), version });
  }
  return accepted;
}

function reverseChange(definition: MigrationDefinition, record: StoredRecord): ReverseChange {
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
