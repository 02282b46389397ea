import {
  DescribeTableCommand,
  ResourceNotFoundException,
  type DynamoDBClient,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';

import { mapBounded } from '../kernel/map-bounded.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';

type KeyType = 'S' | 'N' | 'B';

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** A table of the store as DynamoDB describes it. */
export interface TableLayout {
  readonly table: MigratedTable;
  readonly name: string;
  /** Partition key, then the sort key if there is one. */
  readonly key: readonly KeyAttribute[];
  readonly streamArn: string | null;
  readonly streamView: string | null;
  /** Counted by DynamoDB every six hours or so. */
  readonly estimatedRows: number;
  readonly sizeBytes: number;
}

/** Tables of the definition by record type; null where the store has none. */
export async function readLayouts({
  client,
  prefix,
  definition,
}: {
  readonly client: DynamoDBClient;
  readonly prefix: string;
  readonly definition: MigrationDefinition;
}): Promise<ReadonlyMap<string, TableLayout | null>> {
  const found = await mapBounded(definition.tables, 8, async (table) => {
    try {
      const TableName = `${prefix}${table.table}`;
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      return Table === undefined ? null : layoutOf(table, TableName, Table);
    } catch (fault) {
      if (fault instanceof ResourceNotFoundException) return null;
      throw fault;
    }
  });
  return new Map(definition.tables.map(({ recordType }, at) => [recordType, found[at] ?? null]));
}

function layoutOf(table: MigratedTable, name: string, described: TableDescription): TableLayout {
  const types = new Map(
    (described.AttributeDefinitions ?? []).map(({ AttributeName, AttributeType }) => [
      AttributeName,
      AttributeType,
    ]),
  );
  const schema = (described.KeySchema ?? []).toSorted((left, right) =>
    left.KeyType === right.KeyType ? 0 : left.KeyType === 'HASH' ? -1 : 1,
  );
  const { StreamSpecification: stream } = described;
  const isOn = stream?.StreamEnabled === true;
  return {
    table,
    name,
    key: schema.map(({ AttributeName = '' }) => ({
      name: AttributeName,
      type: types.get(AttributeName) ?? 'S',
    })),
    streamArn: isOn ? (described.LatestStreamArn ?? null) : null,
    streamView: isOn ? (stream.StreamViewType ?? null) : null,
    estimatedRows: described.ItemCount ?? 0,
    sizeBytes: described.TableSizeBytes ?? 0,
  };
}
