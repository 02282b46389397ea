import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';

import { number } from '../aws/attributes.ts';
import { HalError } from '../kernel/errors.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { judgeReverse } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import { encodeKey, recordPk } from '../migration/key.ts';
import type { FlatSource, ReverseChange, ReverseKind, ReverseOutcome } from '../migration/ports.ts';
import type { FlatRow, KeyPart } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { rowWrite } from './flat-records.ts';
import { fitsKey, readRows } from './flat-rows.ts';
import type { FlatStore } from './flat-store.ts';
import { lastItems, readLastImages } from './last-images.ts';
import { contentHash, echoExpected, unsettled } from './log-changes.ts';
import { itemAt, relogKey, unsettledKey } from './log-items.ts';
import { requireState, transact } from './log-state.ts';
import { rowConflict } from './row-conflict.ts';

const keysAtOnce = 8;

/**
 * Applies changes of the other side, those of one key in turn. Each is one transaction: the version is newer than any
 * that the key had, the row is there, and what the stream will show of it is announced.
 */
export function makeApplyReverse(store: FlatStore): FlatSource['applyReverse'] {
  return async (category, changes, as) => {
    const outcomes = new Map<ReverseChange, ReverseOutcome>();
    const { authority } = await requireState(store, category);
    const byKey = [...Map.groupBy(changes, ({ key }) => recordPk(key)).values()];
    await mapBounded(byKey, keysAtOnce, async (ofKey) => {
      for (const change of ofKey) {
        requireKeyOf(store, change);
        const known = (await readLastImages(store, [change.key])).get(recordPk(change.key))?.version ?? null;
        const judged = judgeReverse(authority, known, change.version, as);
        outcomes.set(change, judged === 'applied' ? await apply(store, category, change, as) : judged);
      }
    });
    return changes.map((change) => outcomes.get(change) ?? 'already-newer');
  };
}

function requireKeyOf({ definition }: FlatStore, { key, row }: ReverseChange): void {
  if (row === null) return;
  const { keyColumns } = tableOf(definition, key.recordType);
  const parts = keyColumns.map((column): KeyPart => {
    const value = row[column];
    return typeof value === 'bigint' ? value : String(value);
  });
  if (encodeKey(parts) !== key.id)
    throw new TypeError(`reverse change of ${recordPk(key)} carries the row of another key`);
}

async function apply(
  store: FlatStore,
  category: Category,
  change: ReverseChange,
  as: ReverseKind | undefined,
): Promise<ReverseOutcome> {
  const row = withoutDerived(change.row);
  const wanted = { ...change, row };
  const layout = await store.layout(change.key.recordType);
  const noted: TransactWriteItem[] = [
    ...newerVersion(store, wanted, as),
    { Put: { TableName: store.log, Item: itemAt(relogKey(category, change.key)) } },
  ];
  const isFitting = layout !== null && fitsKey(layout, change.key.id);
  if (!isFitting) {
    const unfit =
      row === null ? settled(store, category, change) : unsettled(store.log, category, wanted, 'unfit');
    return (await transact(store, [...noted, unfit])) ? 'applied' : 'already-newer';
  }
  const present = (await readRows(store, [change.key])).get(recordPk(change.key)) ?? null;
  // A write that changes nothing is not in the stream.
  const isSame = contentHash(present) === contentHash(row);
  const written = isSame ? [] : [rowWrite(layout, change.key, row), echoExpected(store.log, wanted)];
  try {
    const items = [...noted, settled(store, category, change), ...written];
    return (await transact(store, items)) ? 'applied' : 'already-newer';
  } catch (fault) {
    const refusal = rowConflict(fault, change.key);
    if (!(refusal instanceof HalError)) throw fault;
    // A row that its table refuses must not hold up other changes; flat does not take over without it.
    const items = [...noted, unsettled(store.log, category, wanted, 'unfit')];
    return (await transact(store, items)) ? 'applied' : 'already-newer';
  }
}

/** The newest image of the key, unless that is as new, or for a repair newer; its head comes first. */
function newerVersion(
  store: FlatStore,
  change: ReverseChange,
  as: ReverseKind | undefined,
): readonly TransactWriteItem[] {
  const { epoch, sequence } = change.version;
  return lastItems(change.key, change).map((Item, at) => ({
    Put: {
      TableName: store.log,
      Item,
      ...(at === 0
        ? {
            ConditionExpression: `attribute_not_exists(pk) OR e < :e OR (e = :e AND v ${as === 'repair' ? '<=' : '<'} :v)`,
            ExpressionAttributeValues: { ':e': number(epoch), ':v': number(sequence) },
          }
        : {}),
    },
  }));
}

function settled(store: FlatStore, category: Category, { key }: ReverseChange): TransactWriteItem {
  return { Delete: { TableName: store.log, Key: itemAt(unsettledKey(category, key)) } };
}

function withoutDerived(row: FlatRow | null): FlatRow | null {
  if (row === null) return null;
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('derived.')));
}
