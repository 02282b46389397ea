import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, expect, test } from 'vitest';

import { addScanIndexes, addStreamIndexes } from '../../../local/cloud/engine-indexes.ts';
import { startDynamo } from '../../support/dynoxide.ts';

const directory = mkdtempSync(join(tmpdir(), 'hal9-indexes-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('every table has its indexes, and a parallel scan in pages finds each item once', async () => {
  const databasePath = join(directory, 'tables.sqlite');
  const dynamo = await startDynamo({ databasePath });
  addStreamIndexes(databasePath);
  const tables = await dynamo.createTables();
  addScanIndexes(databasePath);
  const keys = Array.from({ length: 120 }, (_, at) => `session/${at}`);
  for (const pk of keys) {
    await dynamo.client.send(
      new PutItemCommand({ TableName: tables.state, Item: { pk: { S: pk }, sk: { S: '.' } } }),
    );
  }

  const found: string[] = [];
  for (let Segment = 0; Segment < 4; Segment += 1) {
    let after: Record<string, { S: string }> | undefined;
    do {
      const answer = await dynamo.client.send(
        new ScanCommand({
          TableName: tables.state,
          Segment,
          TotalSegments: 4,
          Limit: 7,
          ExclusiveStartKey: after,
        }),
      );
      found.push(...(answer.Items ?? []).map(({ pk }) => String(pk?.S)));
      after = answer.LastEvaluatedKey as typeof after;
    } while (after !== undefined);
  }
  await dynamo.stop();

  expect(found.toSorted()).toEqual(keys.toSorted());
  const database = new DatabaseSync(databasePath, { readOnly: true });
  const indexes = database.prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'hal9_%'`).all();
  database.close();
  expect(indexes.map(({ name }) => String(name)).toSorted()).toEqual(
    [
      'hal9_stream_ends',
      'hal9_stream_sequence',
      ...Object.values(tables).map((table) => `hal9_scan_${table}`),
    ].toSorted(),
  );
});
