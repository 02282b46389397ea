import {
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { keyOfPk, recordPk } from '../migration/key.ts';
import type { QuarantineStore } from '../migration/ports.ts';
import { entryOrigin } from '../migration/set-aside-key.ts';
import { flag, number, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { countPartition } from './count-partition.ts';
import { isConditionFailed } from './faults.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { readItems } from './read-items.ts';
import {
  cutRawRow,
  parseQuarantineItem,
  quarantineItemKey,
  quarantineKey,
  quarantinePartition,
  quarantineShards,
} from './quarantine-item.ts';
import { retried } from './retried.ts';

const shards = Array.from({ length: quarantineShards }, (_, shard) => shard);
const unresolved = { FilterExpression: 'attribute_not_exists(resolved)' };
/** An entry may have 300 KB and a page ends at 1 MB anyway; also keeps the memory of a listing small. */
const longestPage = 100;

/**
 * The quarantine table. A resolved entry stays, unlisted and with its version, so that a late delivery of the older
 * row cannot bring it back.
 */
export function makeQuarantineStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): QuarantineStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function updateIf(
    key: Item,
    input: Pick<
      UpdateItemCommandInput,
      'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'
    >,
  ): Promise<boolean> {
    try {
      await retried(sleeper, () =>
        client.send(new UpdateItemCommand({ TableName: table, Key: key, ...input })),
      );
      return true;
    } catch (fault) {
      if (isConditionFailed(fault)) return false;
      throw fault;
    }
  }

  return {
    async put(entry) {
      const key = quarantineKey(entry.category, entry.key);
      const isKept = await updateIf(key, {
        UpdateExpression:
          'SET e = :e, v = :v, errorName = :name, errorMessage = :message, rawRow = :raw, rawLengthBytes = :length, ' +
          'firstSeenAtMs = if_not_exists(firstSeenAtMs, :seen) REMOVE resolved ADD attempts :one',
        ConditionExpression:
          'attribute_not_exists(pk) OR e < :e OR (e = :e AND v < :v) OR (e = :e AND v = :v AND attribute_not_exists(resolved))',
        ExpressionAttributeValues: {
          ':e': number(entry.version.epoch),
          ':v': number(entry.version.sequence),
          ':name': text(entry.errorName),
          ':message': text(entry.errorMessage),
          ':raw': text(cutRawRow(entry.rawRow)),
          ':length': number(entry.rawLengthBytes),
          ':seen': number(entry.firstSeenAtMs),
          ':one': number(1),
        },
      });
      if (isKept) return;
      await updateIf(key, {
        UpdateExpression: 'ADD attempts :one',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':one': number(1) },
      });
    },

    async resolve(key, category, version) {
      await updateIf(quarantineKey(category, key), {
        UpdateExpression: 'SET resolved = :yes, e = :e, v = :v',
        ConditionExpression: 'attribute_exists(pk) AND (e < :e OR (e = :e AND v <= :v))',
        ExpressionAttributeValues: {
          ':yes': flag(true),
          ':e': number(version.epoch),
          ':v': number(version.sequence),
        },
      });
    },

    async find(category, keys) {
      const bySk = new Map(keys.map((key) => [recordPk(key), key]));
      const wanted = [...bySk.values()].map((key) => quarantineItemKey(category, key));
      const projection = { ProjectionExpression: 'sk, resolved' };
      const items = await readItems({ client, table, sleeper }, wanted, projection);
      return items.flatMap((item) => {
        const key = bySk.get(textOf(item, 'sk'));
        return key === undefined || item['resolved'] !== undefined ? [] : [key];
      });
    },

    async list(category, cursor, limit) {
      const { shard, after } = parseCursor(cursor);
      const pk = text(quarantinePartition(category, shard));
      const answer = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': pk },
          ConsistentRead: true,
          Limit: Math.min(limit, longestPage),
          ...unresolved,
          ...(after === '' ? {} : { ExclusiveStartKey: { pk, sk: text(after) } }),
        }),
      );
      const entries = (answer.Items ?? []).map((item) => parseQuarantineItem(item, category));
      const last = answer.LastEvaluatedKey?.['sk']?.S;
      if (last !== undefined) return { entries, cursor: `${shard}/${last}` };
      return { entries, cursor: shard + 1 < quarantineShards ? `${shard + 1}/` : null };
    },

    async get(category, key) {
      const [item] = await readItems({ client, table, sleeper }, [quarantineItemKey(category, key)]);
      if (item === undefined || item['resolved'] !== undefined) return null;
      return parseQuarantineItem(item, category);
    },

    async count(category) {
      const counts = await mapBounded(shards, quarantineShards, (shard) =>
        countPartition({ client, table }, quarantinePartition(category, shard), unresolved),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },

    async countUnconverted(category) {
      const counts = await mapBounded(shards, quarantineShards, (shard) =>
        countEntries(client, table, quarantinePartition(category, shard)),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

/** A condition on the sort key cannot leave out what was set aside, so the names are looked at here. */
async function countEntries(client: DynamoDBClient, table: string, pk: string): Promise<number> {
  let count = 0;
  let after: Item | undefined;
  do {
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': text(pk) },
        ConsistentRead: true,
        ProjectionExpression: 'sk',
        ExclusiveStartKey: after,
        ...unresolved,
      }),
    );
    const keys = (answer.Items ?? []).map((item) => keyOfPk(textOf(item, 'sk')));
    count += keys.filter((key) => entryOrigin(key).restoreId === null).length;
    after = answer.LastEvaluatedKey;
  } while (after !== undefined);
  return count;
}

function parseCursor(cursor: string | null): { shard: number; after: string } {
  if (cursor === null) return { shard: 0, after: '' };
  const cut = cursor.indexOf('/');
  return { shard: Number(cursor.slice(0, cut)), after: cursor.slice(cut + 1) };
}
