import { afterAll, beforeAll } from 'vitest';

import { makeDynamoFlatRecords } from '../../lib/dynamodb/flat-records.ts';
import { makeDynamoFlatSource } from '../../lib/dynamodb/flat-source.ts';
import { makeDynamoFlatWriter } from '../../lib/dynamodb/flat-writer.ts';
import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { createFlatTables, flatStoreOf } from '../support/flat-tables.ts';
import { absentTableContract, partialDefinition } from './absent-table.ts';
import { flatRecordsContract } from './flat-records.ts';
import { flatSourceContract, type FlatAdapter } from './flat-source.ts';
import { flatWriterContract } from './flat-writer.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

/** Tables of its own: the migration and the services each look at them for themselves. */
async function inTables(
  definition: MigrationDefinition = smallDefinition,
  without: readonly string[] = [],
): Promise<FlatAdapter & { readonly writer: FlatWriter }> {
  const prefix = await createFlatTables(dynamo.client, definition, without);
  const open = () => flatStoreOf(dynamo, prefix, definition);
  return {
    // The store knows where a row is by a hash of its key, which tells nobody which one comes next.
    rowOrder: 'store',
    source: makeDynamoFlatSource(open()),
    records: makeDynamoFlatRecords(open()),
    writer: makeDynamoFlatWriter(open()),
    stop: () => Promise.resolve(),
  };
}

flatSourceContract('DynamoDB', () => inTables());
flatRecordsContract('DynamoDB', () => inTables());
flatWriterContract('DynamoDB', () => inTables());
absentTableContract('DynamoDB', () => inTables(partialDefinition, ['notes']));
