import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { Edition, EditionPlace, EditionRecord, EditionStore } from '../migration/editions/ports.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { readPartition } from './read-partition.ts';
import { retried } from './retried.ts';

const writeConcurrency = 16;
const pointerSk = '.';

const pointerKey = (category: string): Item => ({ pk: text(`current/${category}`), sk: text(pointerSk) });
const placePk = ({ category, number: at, digest }: EditionPlace): string => `${category}/${at}/${digest}`;

/** Editions in a table of their own: a partition for each, and one pointer item for each category. */
export function makeEditionStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): EditionStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  const query = (place: EditionPlace): Promise<readonly Item[]> =>
    readPartition({ client, table, sleeper }, placePk(place));

  return {
    async current(category) {
      const command = new GetItemCommand({
        TableName: table,
        Key: pointerKey(category),
        ConsistentRead: true,
      });
      const { Item: item } = await retried(sleeper, () => client.send(command));
      return item === undefined ? null : editionOf(item);
    },

    async write(place, records) {
      await mapBounded(records, writeConcurrency, async ({ pk, body }) => {
        const Item = { pk: text(placePk(place)), sk: text(pk), body: text(body) };
        await retried(sleeper, () => client.send(new PutItemCommand({ TableName: table, Item })));
      });
    },

    async records(place) {
      const items = await query(place);
      return items.map((item): EditionRecord => ({ pk: textOf(item, 'sk'), body: textOf(item, 'body') }));
    },

    async publish(edition) {
      const isFirst = edition.number === 1;
      const command = new PutItemCommand({
        TableName: table,
        Item: { ...pointerKey(edition.category), ...pointerItem(edition) },
        ConditionExpression: isFirst ? 'attribute_not_exists(pk)' : '#number = :before',
        ...(isFirst
          ? {}
          : {
              ExpressionAttributeNames: { '#number': 'number' },
              ExpressionAttributeValues: { ':before': number(edition.number - 1) },
            }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        await retried(sleeper, () => client.send(command));
        return true;
      } catch (fault) {
        if (!isConditionFailed(fault)) throw fault;
        // Our own, when the answer to the first attempt was lost.
        return fault.Item?.['edition']?.S === JSON.stringify(edition);
      }
    },

    async remove(place) {
      await mapBounded(await query(place), writeConcurrency, async (item) => {
        const Key = { pk: text(placePk(place)), sk: text(textOf(item, 'sk')) };
        await retried(sleeper, () => client.send(new DeleteItemCommand({ TableName: table, Key })));
      });
    },
  };
}

function pointerItem(edition: Edition): Item {
  return { number: number(edition.number), edition: text(JSON.stringify(edition)) };
}

function editionOf(item: Item): Edition {
  const edition = JSON.parse(textOf(item, 'edition')) as Edition;
  return { ...edition, number: numberOf(item, 'number') };
}
