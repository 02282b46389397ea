import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { DynamoConfig } from '../../lib/config/source-config.ts';
import { acknowledgeWildcard } from '../checks/acknowledge.ts';
import type { MigratorFunction } from '../constructs/migrator-function.ts';
import { migratedTables } from '../migration-file.ts';
import type { FunctionFolder } from './function-environments.ts';

const rows = ['dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Scan'];
const streams = ['dynamodb:DescribeStream', 'dynamodb:GetShardIterator', 'dynamodb:GetRecords'];
/** Whoever asks what changed moves the log on. */
const log = [
  'dynamodb:DescribeTable',
  'dynamodb:GetItem',
  'dynamodb:BatchGetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
];

/** Those that write rows, or barriers among them. */
const writers: readonly FunctionFolder[] = [
  'prepare-source',
  'switch-authority',
  'reverse-changes',
  'restore-state',
  'replay-quarantine',
  'examine-neurons',
  'benchmark-state',
];

/** The tables of the flat store, their streams and the change log beside them, for those that open it. */
export function grantFlatTables(
  functions: ReadonlyMap<FunctionFolder, MigratorFunction>,
  { prefix }: DynamoConfig,
): void {
  for (const [folder, target] of functions) {
    if (!target.opensSource) continue;
    const { partition, region, account } = Stack.of(target);
    const arn = (table: string): string =>
      `arn:${partition}:dynamodb:${region}:${account}:table/${prefix}${table}`;
    const tables = migratedTables(target).map(arn);
    const ofTables = tables.map((table) => `${table}/stream/*`);
    for (const stream of ofTables)
      acknowledgeWildcard(
        target.role,
        stream,
        'A stream is named by the time of its making; a table has one.',
      );
    allow(target, rows, tables);
    allow(target, streams, ofTables);
    allow(target, log, [arn('_mig_log')]);
    if (writers.includes(folder)) allow(target, ['dynamodb:PutItem', 'dynamodb:DeleteItem'], tables);
    if (folder === 'prepare-source') allow(target, ['dynamodb:CreateTable'], [arn('_mig_log')]);
  }
}

function allow(target: MigratorFunction, actions: readonly string[], resources: readonly string[]): void {
  target.role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
}
