import {
  CreateTableCommand,
  DescribeTableCommand,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type {
  AttributeDefinition,
  DynamoDBClient,
  GlobalSecondaryIndex,
  KeySchemaElement,
  StreamSpecification,
  TableDescription,
} from '@aws-sdk/client-dynamodb';

import { nameOf } from './identities.ts';
import { listAt, optionalText, propertyAt } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';

/** A table as the local cloud uses it after it exists. */
export interface LocalTable {
  readonly name: string;
  /** Names of the key attributes. */
  readonly keyNames: readonly string[];
  /** Attribute with the epoch second of expiry. */
  readonly ttlAttribute?: string;
  readonly streamArn?: string;
}

export function isTable(resource: ResolvedResource): boolean {
  return resource.type === 'AWS::DynamoDB::Table' || resource.type === 'AWS::DynamoDB::GlobalTable';
}

/** Creates the table unless it is there; on demand, whatever the template says of capacity. */
export async function ensureTable(client: DynamoDBClient, resource: ResolvedResource): Promise<LocalTable> {
  const name = nameOf(resource, 'TableName');
  const ttlAttribute = optionalText(resource, 'TimeToLiveSpecification.AttributeName');
  const keySchema = listAt(resource, 'KeySchema') as readonly KeySchemaElement[];
  const existing = await describe(client, name);
  const table = existing ?? (await create(client, name, resource));
  if (existing === null && ttlAttribute !== undefined) {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: name,
        TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true },
      }),
    );
  }
  return {
    name,
    keyNames: keySchema.map((element) => element.AttributeName ?? ''),
    ...(ttlAttribute === undefined ? {} : { ttlAttribute }),
    ...(table?.LatestStreamArn === undefined ? {} : { streamArn: table.LatestStreamArn }),
  };
}

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | null> {
  try {
    const answer = await client.send(new DescribeTableCommand({ TableName: name }));
    return answer.Table ?? null;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}

async function create(
  client: DynamoDBClient,
  name: string,
  resource: ResolvedResource,
): Promise<TableDescription | undefined> {
  const viewType = optionalText(resource, 'StreamSpecification.StreamViewType');
  const indexes = listAt(resource, 'GlobalSecondaryIndexes') as readonly GlobalSecondaryIndex[];
  const stream = { StreamEnabled: true, StreamViewType: viewType } as StreamSpecification;
  const answer = await client.send(
    new CreateTableCommand({
      TableName: name,
      AttributeDefinitions: propertyAt(resource, 'AttributeDefinitions') as AttributeDefinition[],
      KeySchema: [...(listAt(resource, 'KeySchema') as readonly KeySchemaElement[])],
      BillingMode: 'PAY_PER_REQUEST',
      ...(viewType === undefined ? {} : { StreamSpecification: stream }),
      ...(indexes.length === 0 ? {} : { GlobalSecondaryIndexes: [...indexes] }),
    }),
  );
  return answer.TableDescription;
}
