import { ScanCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { NamedBodies } from '../migration/bodies/ports.ts';
import { text } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { bodyNameIn, namesBody } from './record-items.ts';
import { retried } from './retried.ts';

/** Names in the items of the state table; the items themselves stay there. */
export function makeNamedBodies(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
  /** Items of one page; without it a page is 1 MB. */
  pageItems?: number;
}): NamedBodies {
  const { client, table, sleeper = realSleeper, pageItems } = deps;
  return {
    async scan(cursor) {
      const command = new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ...namesBody,
        ...(pageItems === undefined ? {} : { Limit: pageItems }),
        ...(cursor === null ? {} : { ExclusiveStartKey: keyOf(cursor) }),
      });
      const {
        Items = [],
        ScannedCount = 0,
        LastEvaluatedKey,
      } = await retried(sleeper, () => client.send(command));
      const last = LastEvaluatedKey;
      return {
        names: Items.flatMap((item) => bodyNameIn(item) ?? []),
        items: ScannedCount,
        cursor: last === undefined ? null : JSON.stringify([last['pk']?.S, last['sk']?.S]),
      };
    },
  };
}

function keyOf(cursor: string) {
  const [pk, sk] = JSON.parse(cursor) as [string, string];
  return { pk: text(pk), sk: text(sk) };
}
