import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { ScanCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Job } from './job.ts';

export type Item = Record<string, AttributeValue>;

/** Every item of the state table as a line of the file. */
export async function dumpItems(client: DynamoDBClient, { tables, itemsPath }: Job): Promise<number> {
  const file = createWriteStream(itemsPath);
  let records = 0;
  let after: Item | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({ TableName: tables.state, Limit: 500, ExclusiveStartKey: after }),
    );
    for (const item of answer.Items ?? []) {
      records += 1;
      if (!file.write(`${JSON.stringify(item)}\n`)) await once(file, 'drain');
    }
    after = answer.LastEvaluatedKey;
  } while (after !== undefined);
  file.end();
  await once(file, 'close');
  return records;
}

/** In the process before the clock starts: the peers are spared the reading. */
export async function loadItems({ itemsPath, mostItems }: Job): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const line of createInterface({ input: createReadStream(itemsPath) })) {
    if (mostItems !== null && items.length >= mostItems) break;
    items.push(JSON.parse(line) as Item);
  }
  return items;
}

export function inBatches<Entry>(entries: readonly Entry[], size: number): readonly (readonly Entry[])[] {
  return Array.from({ length: Math.ceil(entries.length / size) }, (_, at) =>
    entries.slice(at * size, (at + 1) * size),
  );
}
