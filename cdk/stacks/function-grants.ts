import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { DeployFile } from '../../lib/config/deploy-file.ts';
import { objectsOf, type JsonlConfig } from '../../lib/config/source-config.ts';
import { metricNamespace, type ResourceNames } from '../../lib/kernel/resource-names.ts';
import { acknowledgeWildcard } from '../checks/acknowledge.ts';
import { backupBucketName } from '../constructs/backup-bucket.ts';
import type { FlagsConfiguration } from '../constructs/flags-configuration.ts';
import type { MigratorFunction } from '../constructs/migrator-function.ts';
import type { FunctionFolder } from './function-environments.ts';
import { grantFlatTables } from './flat-table-grants.ts';
import type { StateStack } from './state-stack.ts';

export interface FunctionGrantsProps {
  readonly functions: ReadonlyMap<FunctionFolder, MigratorFunction>;
  readonly state: StateStack;
  readonly names: ResourceNames;
  readonly flags: FlagsConfiguration;
  readonly deploy: DeployFile;
}

/** Data plane actions; no function may read or write more than its folder's work needs. */
const read = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const write = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
];
const scan = ['dynamodb:Scan'];
const insert = ['dynamodb:PartiQLInsert'];

export function grantFunctions(props: FunctionGrantsProps): void {
  grantTables(props);
  grantQueues(props);
  grantBackups(props);
  grantBodies(props);
  grantSweep(props);
  grantFlags(props);
  grantMetrics(props);
  grantInvocations(props);
  grantSource(props);
}

function role(props: FunctionGrantsProps, folder: FunctionFolder): MigratorFunction {
  const found = props.functions.get(folder);
  if (found === undefined) throw new Error(`no function ${folder}`);
  return found;
}

function allow(target: MigratorFunction, actions: readonly string[], resources: readonly string[]): void {
  target.role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
}

function grantTables(props: FunctionGrantsProps): void {
  const { state } = props;
  const grants: readonly [FunctionFolder, string, readonly string[]][] = [
    ['plan-batches', state.progress.tableArn, [...read, ...write]],
    ['migrate-batch', state.state.tableArn, [...read, ...insert, 'dynamodb:PutItem']],
    ['migrate-batch', state.progress.tableArn, [...read, ...write]],
    ['migrate-batch', state.quarantine.tableArn, [...read, ...write]],
    ['relay-changes', state.progress.tableArn, [...read, ...write]],
    ['apply-changes', state.state.tableArn, [...read, 'dynamodb:PutItem']],
    ['apply-changes', state.progress.tableArn, [...read, ...write]],
    ['apply-changes', state.quarantine.tableArn, [...read, ...write]],
    ['reverse-changes', state.state.tableArn, read],
    ['reverse-changes', state.reversePending.tableArn, [...read, 'dynamodb:DeleteItem']],
    // Deletes canaries, nothing else.
    ['switch-authority', state.state.tableArn, [...read, 'dynamodb:PutItem', 'dynamodb:DeleteItem']],
    ['switch-authority', state.authority.tableArn, [...read, ...write]],
    ['switch-authority', state.progress.tableArn, [...read, ...write]],
    ['switch-authority', state.reversePending.tableArn, [...read, 'dynamodb:PutItem', 'dynamodb:DeleteItem']],
    ['switch-authority', state.quarantine.tableArn, [...read, ...write]],
    ['verify-state', state.state.tableArn, [...read, ...scan]],
    ['verify-state', state.authority.tableArn, read],
    ['verify-state', state.progress.tableArn, [...read, 'dynamodb:PutItem', 'dynamodb:DeleteItem']],
    ['verify-state', state.quarantine.tableArn, [...read, 'dynamodb:UpdateItem']],
    ['reconcile-state', state.state.tableArn, [...read, ...scan, 'dynamodb:PutItem']],
    ['reconcile-state', state.progress.tableArn, [...read, 'dynamodb:PutItem', 'dynamodb:DeleteItem']],
    ['reconcile-state', state.quarantine.tableArn, [...read, 'dynamodb:UpdateItem']],
    ['reconcile-state', state.control.tableArn, ['dynamodb:Query', 'dynamodb:PutItem']],
    ['describe-state', state.authority.tableArn, read],
    ['describe-state', state.progress.tableArn, read],
    ['describe-state', state.reversePending.tableArn, read],
    ['describe-state', state.quarantine.tableArn, read],
    ['backup-state', state.state.tableArn, read],
    ['backup-state', state.reversePending.tableArn, read],
    ['restore-state', state.state.tableArn, [...read, 'dynamodb:PutItem']],
    ['restore-state', state.authority.tableArn, [...read, 'dynamodb:ConditionCheckItem']],
    ['restore-state', state.progress.tableArn, read],
    ['restore-state', state.reversePending.tableArn, [...read, 'dynamodb:PutItem']],
    ['restore-state', state.quarantine.tableArn, [...read, 'dynamodb:UpdateItem']],
    ['check-integrity', state.state.tableArn, [...read, ...scan]],
    ['examine-learning', state.state.tableArn, read],
    ['transfer-records', state.state.tableArn, [...read, ...insert, 'dynamodb:PutItem']],
    ['transfer-records', state.progress.tableArn, [...read, ...write]],
    ['examine-neurons', state.state.tableArn, [...read, 'dynamodb:PutItem']],
    ['examine-neurons', state.authority.tableArn, [...read, 'dynamodb:ConditionCheckItem']],
    ['examine-neurons', state.progress.tableArn, [...read, 'dynamodb:PutItem']],
    ['examine-neurons', state.reversePending.tableArn, [...read, 'dynamodb:PutItem']],
    ['examine-neurons', state.quarantine.tableArn, [...read, 'dynamodb:UpdateItem']],
    ['publish-edition', state.state.tableArn, [...read, ...scan, 'dynamodb:PutItem']],
    ['publish-edition', state.authority.tableArn, [...read, 'dynamodb:ConditionCheckItem']],
    ['publish-edition', state.progress.tableArn, read],
    ['publish-edition', state.reversePending.tableArn, [...read, 'dynamodb:PutItem']],
    ['publish-edition', state.editions.tableArn, [...read, 'dynamodb:PutItem', 'dynamodb:DeleteItem']],
    ['check-sessions', state.state.tableArn, read],
    ['check-sessions', state.progress.tableArn, read],
    ['verify-audit', state.state.tableArn, read],
    ['verify-audit', state.progress.tableArn, [...read, 'dynamodb:PutItem']],
    ['copy-matching', state.state.tableArn, [...read, ...insert, 'dynamodb:PutItem']],
    ['copy-matching', state.progress.tableArn, [...read, ...write]],
    ['copy-matching', state.quarantine.tableArn, [...read, ...write]],
    // Stores again what it read.
    ['benchmark-state', state.state.tableArn, [...read, 'dynamodb:PutItem']],
    ['replay-quarantine', state.state.tableArn, [...read, 'dynamodb:PutItem']],
    ['replay-quarantine', state.authority.tableArn, [...read, 'dynamodb:ConditionCheckItem']],
    ['replay-quarantine', state.reversePending.tableArn, [...read, 'dynamodb:PutItem']],
    ['replay-quarantine', state.quarantine.tableArn, [...read, 'dynamodb:UpdateItem']],
    ['sweep-bodies', state.state.tableArn, scan],
    ['sweep-bodies', state.control.tableArn, ['dynamodb:Query', 'dynamodb:PutItem']],
    ['replay-shadow', state.shadow.tableArn, ['dynamodb:PutItem']],
    ['enter-step', state.control.tableArn, [...read, ...write]],
    ['evaluate-gate', state.control.tableArn, [...read, ...write]],
    ['roll-back', state.control.tableArn, [...read, ...write]],
  ];
  for (const [folder, tableArn, actions] of grants) allow(role(props, folder), actions, [tableArn]);
  grantStream(props);
}

/** The stream's name has the time of its making: it is asked for, and read below the table. */
function grantStream(props: FunctionGrantsProps): void {
  const reader = role(props, 'reconcile-state');
  const { partition, region, account } = Stack.of(reader);
  const table = `arn:${partition}:dynamodb:${region}:${account}:table/${props.names.tables.state}`;
  const streams = `${table}/stream/*`;
  acknowledgeWildcard(reader.role, streams, 'A stream is named by the time of its making; a table has one.');
  allow(reader, ['dynamodb:DescribeTable'], [table]);
  allow(reader, ['dynamodb:DescribeStream', 'dynamodb:GetShardIterator', 'dynamodb:GetRecords'], [streams]);
}

/** The secret of the source's database, for those that open it. */
function grantSource(props: FunctionGrantsProps): void {
  const { functions, deploy } = props;
  const { source } = deploy;
  if (source.kind === 'jsonl') grantFiles(props, source);
  if (source.kind === 'dynamodb') grantFlatTables(functions, source);
  if (source.kind !== 'postgres' || source.secretArn === undefined) return;
  for (const { role, opensSource } of functions.values()) {
    if (!opensSource) continue;
    role.addToPolicy(
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [source.secretArn] }),
    );
  }
}

/** The objects of the source, their index beside the backups, and the one item that remembers them. */
function grantFiles({ functions, state, names }: FunctionGrantsProps, source: JsonlConfig): void {
  const objects = objectsOf(source);
  for (const target of functions.values()) {
    if (!target.opensSource) continue;
    const stack = Stack.of(target);
    const keep = `arn:${stack.partition}:s3:::${backupBucketName(stack, names)}`;
    acknowledgeWildcard(target.role, `${keep}/source-index/*`, 'Indexes are named by what they are made of.');
    allow(target, ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], [`${keep}/source-index/*`]);
    // Without it S3 answers "forbidden" where it should say "not there".
    allow(target, ['s3:ListBucket'], [keep]);
    target.role.addToPolicy(
      new PolicyStatement({
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
        resources: [state.progress.tableArn],
        conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['source-files'] } },
      }),
    );
    if (objects === null) continue;
    const bucket = `arn:${stack.partition}:s3:::${objects.bucket}`;
    acknowledgeWildcard(
      target.role,
      `${bucket}/${objects.prefix}*`,
      'The source is every object below a prefix.',
    );
    allow(target, ['s3:GetObject'], [`${bucket}/${objects.prefix}*`]);
    allow(target, ['s3:ListBucket'], [bucket]);
  }
}

function grantQueues(props: FunctionGrantsProps): void {
  allow(
    role(props, 'plan-batches'),
    ['sqs:SendMessage', 'sqs:GetQueueAttributes'],
    [props.state.ranges.queue.queueArn],
  );
  allow(role(props, 'relay-changes'), ['sqs:SendMessage'], [props.state.changes.queue.queueArn]);
  allow(role(props, 'measure-outcomes'), ['sqs:SendMessage'], [props.state.shadowSamples.queue.queueArn]);
}

/** Backups are written by one function and only read by the other; nobody deletes one. */
function grantBackups(props: FunctionGrantsProps): void {
  const stack = Stack.of(role(props, 'backup-state'));
  const bucket = `arn:${stack.partition}:s3:::${backupBucketName(stack, props.names)}`;
  const objects = `${bucket}/checkpoints/*`;
  const list =
    'Parts of a backup are numbered as they are made; only objects below checkpoints/ are reached.';
  for (const folder of ['backup-state', 'restore-state'] as const) {
    acknowledgeWildcard(role(props, folder).role, objects, list);
    allow(role(props, folder), ['s3:GetObject'], [objects]);
    // Without it S3 answers "forbidden" where it should say "not there".
    allow(role(props, folder), ['s3:ListBucket'], [bucket]);
  }
  allow(role(props, 'backup-state'), ['s3:PutObject', 's3:AbortMultipartUpload'], [objects]);
}

/** Bodies that no item holds. They are put by whoever writes records. */
function grantBodies(props: FunctionGrantsProps): void {
  const readers = [
    'verify-state',
    'reverse-changes',
    'backup-state',
    'check-integrity',
    'examine-learning',
    'verify-audit',
    'check-sessions',
  ] as const;
  const writers = [
    'migrate-batch',
    'copy-matching',
    'relay-changes',
    'apply-changes',
    'switch-authority',
    'reconcile-state',
    'restore-state',
    'replay-quarantine',
    'examine-neurons',
    'benchmark-state',
    'publish-edition',
    'transfer-records',
  ] as const;
  const stack = Stack.of(role(props, 'backup-state'));
  const bucket = `arn:${stack.partition}:s3:::${backupBucketName(stack, props.names)}`;
  const objects = `${bucket}/bodies/*`;
  const named = 'Bodies are named by their sha256; only objects below bodies/ are reached.';
  for (const folder of [...readers, ...writers]) {
    acknowledgeWildcard(role(props, folder).role, objects, named);
    allow(role(props, folder), ['s3:GetObject'], [objects]);
    // Without it S3 answers "forbidden" where it should say "not there".
    allow(role(props, folder), ['s3:ListBucket'], [bucket]);
  }
  for (const folder of writers) allow(role(props, folder), ['s3:PutObject'], [objects]);
}

/** One function deletes bodies, by their names alone: it reads neither them nor anything else of the bucket. */
function grantSweep({ functions, state, names }: FunctionGrantsProps): void {
  const sweeper = functions.get('sweep-bodies');
  if (sweeper === undefined) throw new Error('no function sweep-bodies');
  const stack = Stack.of(sweeper);
  const bucket = `arn:${stack.partition}:s3:::${backupBucketName(stack, names)}`;
  const objects = `${bucket}/bodies/*`;
  acknowledgeWildcard(sweeper.role, objects, 'Bodies are named by their sha256; only they are deleted.');
  allow(sweeper, ['s3:DeleteObject'], [objects]);
  sweeper.role.addToPolicy(
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucket],
      conditions: { StringLike: { 's3:prefix': ['bodies/*'] } },
    }),
  );
  sweeper.role.addToPolicy(
    new PolicyStatement({
      actions: ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
      resources: [state.progress.tableArn],
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['body-sweep'] } },
    }),
  );
}

function grantFlags(props: FunctionGrantsProps): void {
  const { flags } = props;
  const readers = ['publish-routes', 'measure-outcomes', 'enter-step', 'evaluate-gate', 'roll-back'] as const;
  for (const folder of readers) {
    const actions = ['appconfig:StartConfigurationSession', 'appconfig:GetLatestConfiguration'];
    allow(role(props, folder), actions, [flags.configurationArn]);
  }
  const deploy = [
    'appconfig:CreateHostedConfigurationVersion',
    'appconfig:GetHostedConfigurationVersion',
    'appconfig:ListHostedConfigurationVersions',
    'appconfig:StartDeployment',
    'appconfig:GetDeployment',
    'appconfig:ListDeployments',
    'appconfig:StopDeployment',
  ];
  for (const folder of ['enter-step', 'roll-back'] as const) {
    const numbered = [
      `${flags.profileArn}/hostedconfigurationversion/*`,
      `${flags.environmentArn}/deployment/*`,
    ];
    for (const resource of numbered) {
      acknowledgeWildcard(
        role(props, folder).role,
        resource,
        'Versions and deployments are numbered as they are made.',
      );
    }
    allow(role(props, folder), deploy, [...flags.controlArns, ...numbered]);
  }
  const routes = ['cloudfront-keyvaluestore:DescribeKeyValueStore', 'cloudfront-keyvaluestore:GetKey'];
  const write = [...routes, 'cloudfront-keyvaluestore:UpdateKeys', 'cloudfront-keyvaluestore:PutKey'];
  for (const folder of ['publish-routes', 'enter-step', 'roll-back'] as const) {
    allow(role(props, folder), write, [props.state.routes.keyValueStoreArn]);
  }
  allow(role(props, 'evaluate-gate'), routes, [props.state.routes.keyValueStoreArn]);
}

function grantMetrics(props: FunctionGrantsProps): void {
  const writers = [
    'publish-routes',
    'measure-outcomes',
    'replay-shadow',
    'check-health',
    'switch-authority',
    'relay-changes',
    'reconcile-state',
  ] as const;
  for (const folder of writers) {
    // PutMetricData knows no resources; the namespace is the limit.
    role(props, folder).role.addToPolicy(
      new PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': metricNamespace } },
      }),
    );
  }
  for (const folder of ['enter-step', 'evaluate-gate', 'roll-back'] as const) {
    allow(role(props, folder), ['cloudwatch:GetMetricData', 'cloudwatch:DescribeAlarms'], ['*']);
  }
}

function grantInvocations(props: FunctionGrantsProps): void {
  const calls: readonly [FunctionFolder, readonly FunctionFolder[]][] = [
    ['enter-step', ['prepare-source', 'plan-batches', 'switch-authority', 'verify-state', 'roll-back']],
    [
      'evaluate-gate',
      ['prepare-source', 'plan-batches', 'switch-authority', 'verify-state', 'examine-neurons'],
    ],
    ['roll-back', ['switch-authority', 'verify-state']],
  ];
  for (const [caller, callees] of calls) {
    const arns = callees.map((callee) => role(props, callee).fn.functionArn);
    allow(role(props, caller), ['lambda:InvokeFunction'], arns);
  }
}
