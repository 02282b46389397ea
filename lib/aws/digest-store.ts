import { DeleteItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { DigestStore } from '../migration/ports.ts';
import { number, text, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { readPartition } from './read-partition.ts';
import { retried } from './retried.ts';

/** An item holds 400 KB. */
const partBytes = 350_000;
/** No verification of ours is longer. */
const mostParts = 8;

const partitionOf = (name: string): string => `digests/${name}`;

/** Digests in the progress table, in parts of an item each. */
export function makeDigestStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): DigestStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  const readParts = (name: string): Promise<readonly Item[]> =>
    readPartition({ client, table, sleeper }, partitionOf(name));

  return {
    async save(name, bytes) {
      const count = Math.max(1, Math.ceil(bytes.length / partBytes));
      if (count > mostParts) throw new RangeError(`digests of ${bytes.length} bytes are too long`);
      for (let part = 0; part < count; part += 1) {
        const command = new PutItemCommand({
          TableName: table,
          Item: {
            pk: text(partitionOf(name)),
            sk: text(String(part)),
            parts: number(count),
            bytes: { B: bytes.subarray(part * partBytes, (part + 1) * partBytes) },
          },
        });
        await retried(sleeper, () => client.send(command));
      }
    },

    async load(name) {
      const items = await readParts(name);
      // A longer one may have had the name before; its last parts are not of this one.
      const count = Number(items[0]?.['parts']?.N ?? 0);
      const parts = items.slice(0, count);
      if (count === 0 || parts.length < count || parts.some((part) => Number(part['parts']?.N) !== count)) {
        return null;
      }
      return Buffer.concat(parts.map((part) => part['bytes']?.B ?? new Uint8Array()));
    },

    async remove(names) {
      for (const name of names) {
        for (let part = 0; part < mostParts; part += 1) {
          const Key = { pk: text(partitionOf(name)), sk: text(String(part)) };
          const command = new DeleteItemCommand({ TableName: table, Key, ReturnValues: 'ALL_OLD' });
          const { Attributes } = await retried(sleeper, () => client.send(command));
          if (Attributes === undefined) break;
        }
      }
    },
  };
}
