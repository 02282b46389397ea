import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';

import type { Engines } from '../engines/ports.ts';
import { ensureBuckets } from './template/buckets.ts';
import { identifyResource } from './template/identities.ts';
import { isIgnoredType } from './template/ignored-types.ts';
import { ensureQueues, isQueue } from './template/queues.ts';
import { makeTemplateResolver } from './template/resolve.ts';
import type { ResolvedResource } from './template/resolve.ts';
import { ensureTable, isTable } from './template/tables.ts';
import type { LocalTable } from './template/tables.ts';
import { loadTemplates, type StackTemplate } from './template/templates.ts';

export interface ProvisionDeps {
  readonly engines: Engines;
  readonly tables: DynamoDBClient;
  readonly queues: SQSClient;
  readonly objects: S3Client;
  queueUrl(queueName: string): string;
}

export interface Provisioned {
  readonly stacks: readonly StackTemplate[];
  readonly resources: readonly ResolvedResource[];
  readonly tables: readonly LocalTable[];
}

/** Reads the templates and makes what holds data: tables, queues, streams, stores, flag documents' places. */
export async function provision(assembly: string, deps: ProvisionDeps): Promise<Provisioned> {
  const stacks = loadTemplates(assembly);
  const resolver = makeTemplateResolver(stacks, {
    identify: (resource) =>
      identifyResource(resource, {
        appConfig: deps.engines.appConfig,
        keyValues: deps.engines.keyValues,
        streams: deps.engines.streams,
        queueUrl: (name) => deps.queueUrl(name),
      }),
    ignores: isIgnoredType,
  });
  const resources = resolver.resolveAll();
  const [tables] = await Promise.all([
    Promise.all(resources.filter(isTable).map((resource) => ensureTable(deps.tables, resource))),
    ensureQueues(deps.queues, resources.filter(isQueue)),
    ensureBuckets(deps.objects, resources),
  ]);
  return { stacks, resources, tables };
}
