import { PutItemCommand, ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { recordPk } from '../migration/key.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';
import type { TargetStore, WriteOutcome } from '../migration/ports.ts';
import type { TargetRecord } from '../migration/record.ts';
import { isCanary } from '../migration/reverse-canary.ts';
import { writeUnits } from '../migration/write-budget.ts';
import { itemBytes, number, text, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { insertItems } from './insert-items.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { readItems } from './read-items.ts';
import { heldAtOnce, recordItem, recordItems, wholeItems } from './record-items.ts';
import { retried } from './retried.ts';
import type { OnThrottling } from './throttle-watch.ts';
import { scannedRecord, stateKey, unmarshalRecord } from './state-item.ts';

/** Conditional puts under way at once; enough to hide a round trip, few enough for the sockets of one client. */
const writeConcurrency = 16;

/** Absent, or of a lower version. */
const ifOlder = 'attribute_not_exists(pk) OR e < :e OR (e = :e AND v < :v)';
/** Absent, or of a version not above: mends a damaged record of a quiet source. */
const ifNotNewer = 'attribute_not_exists(pk) OR e < :e OR (e = :e AND v <= :v)';

/** The hierarchical state table. */
export function makeTargetStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
  /** Where bodies are that no item holds; without it the store refuses them. */
  bodies?: LargeBodies;
  /** Told of what the store refuses, and asked before it is tried again. */
  throttle?: { readonly throttled: OnThrottling; admitAgain(units: number): Promise<void> };
}): TargetStore {
  const { client, table, throttle, bodies } = deps;
  const refusals =
    throttle === undefined
      ? {}
      : {
          onThrottling: throttle.throttled,
          beforeRetry: (items: readonly Item[]) => throttle.admitAgain(items.reduce(addUnits, 0)),
        };
  const sleeper = deps.sleeper ?? realSleeper;

  async function putIf(record: TargetRecord, condition: string): Promise<WriteOutcome> {
    const command = new PutItemCommand({
      TableName: table,
      Item: await recordItem(record, bodies),
      ConditionExpression: condition,
      ExpressionAttributeValues: {
        ':e': number(record.version.epoch),
        ':v': number(record.version.sequence),
      },
    });
    try {
      await retried(sleeper, () => client.send(command));
      return 'written';
    } catch (fault) {
      // After a lost answer this may be our own record; either way the key holds it or something newer.
      if (isConditionFailed(fault)) return 'kept-newer';
      throw fault;
    }
  }

  const putAll = (records: readonly TargetRecord[], condition: string): Promise<WriteOutcome[]> =>
    mapBounded(records, writeConcurrency, (record) => putIf(record, condition));

  return {
    async insertIfAbsent(records) {
      const items = await recordItems(records, bodies);
      const outcomes = await insertItems({ client, table, sleeper, ...refusals }, items);
      return outcomes.map((outcome) => (outcome === 'inserted' ? 'written' : 'kept-newer'));
    },

    applyVersioned: (records) => putAll(records, ifOlder),

    repair: (records) => putAll(records, ifNotNewer),

    async read(keys) {
      const distinct = new Map(keys.map((key) => [recordPk(key), stateKey(key)]));
      const items = await readItems({ client, table, sleeper }, [...distinct.values()]);
      return new Map(
        (await wholeItems(items, bodies)).map((item) => {
          const record = unmarshalRecord(item);
          return [recordPk(record.key), record];
        }),
      );
    },

    async scan({ segment, segmentCount, cursor, limit }) {
      const command = new ScanCommand({
        TableName: table,
        Segment: segment,
        TotalSegments: segmentCount,
        Limit: limit,
        ConsistentRead: true,
        ...(cursor === null ? {} : { ExclusiveStartKey: cursorKey(cursor) }),
      });
      const answer = await retried(sleeper, () => client.send(command));
      const found = answer.Items ?? [];
      const held = heldAtOnce(found);
      const last = held.length < found.length ? held.at(-1) : answer.LastEvaluatedKey;
      return {
        // A canary on its way through the reverse path is nobody's record.
        records: (await wholeItems(held, bodies)).map(scannedRecord).filter(({ key }) => !isCanary(key)),
        cursor: last === undefined ? null : JSON.stringify([last['pk']?.S, last['sk']?.S]),
      };
    },
  };
}

function addUnits(sum: number, item: Item): number {
  return sum + writeUnits(itemBytes(item));
}

function cursorKey(cursor: string) {
  const [pk, sk] = JSON.parse(cursor) as [string, string];
  return { pk: text(pk), sk: text(sk) };
}
