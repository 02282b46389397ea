import type { DeployFile, OriginConfig } from '../../lib/config/deploy-file.ts';
import type { SourceConfig } from '../../lib/config/source-config.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import type { FlagsConfiguration } from '../constructs/flags-configuration.ts';
import type { StateStack } from './state-stack.ts';

export type FunctionFolder =
  | 'prepare-source'
  | 'plan-batches'
  | 'migrate-batch'
  | 'relay-changes'
  | 'apply-changes'
  | 'reverse-changes'
  | 'switch-authority'
  | 'verify-state'
  | 'reconcile-state'
  | 'describe-state'
  | 'backup-state'
  | 'restore-state'
  | 'replay-quarantine'
  | 'check-integrity'
  | 'examine-neurons'
  | 'examine-learning'
  | 'transfer-records'
  | 'verify-audit'
  | 'check-sessions'
  | 'publish-edition'
  | 'benchmark-state'
  | 'copy-matching'
  | 'sweep-bodies'
  | 'publish-routes'
  | 'measure-outcomes'
  | 'replay-shadow'
  | 'check-health'
  | 'enter-step'
  | 'evaluate-gate'
  | 'roll-back';

type Environment = Readonly<Record<string, string>>;

export interface FunctionEnvironmentProps {
  readonly names: ResourceNames;
  readonly deploy: DeployFile;
  readonly state: StateStack;
  readonly flags: FlagsConfiguration;
  readonly metricNamespace: string;
}

/** What each function is told, in one table; `test/cdk` parses each with the function's own `parseEnv`. */
export function functionEnvironments(
  props: FunctionEnvironmentProps,
): ReadonlyMap<FunctionFolder, Environment> {
  const { names, state, deploy } = props;
  const METRIC_NAMESPACE = props.metricNamespace;
  const source = { SOURCE: JSON.stringify(openedSource(props)) };
  const bodies = { BODY_BUCKET: state.backup.bucketName };
  const stateTable = { STATE_TABLE: names.tables.state, ...bodies };
  const authority = { AUTHORITY_TABLE: names.tables.authority };
  const progress = { PROGRESS_TABLE: names.tables.progress };
  const quarantine = { QUARANTINE_TABLE: names.tables.quarantine };
  const reversePending = { REVERSE_PENDING_TABLE: names.tables.reversePending };
  const backup = { BACKUP_BUCKET: state.backup.bucketName };
  const allState = { ...source, ...stateTable, ...authority, ...progress, ...reversePending, ...quarantine };
  const flags = {
    APPCONFIG_APPLICATION: props.flags.applicationId,
    APPCONFIG_ENVIRONMENT: props.flags.environmentId,
    APPCONFIG_PROFILE: props.flags.profileId,
  };
  const origins = {
    FLAT_ORIGIN_URL: originUrl(deploy.origins.flat),
    HIERARCHICAL_ORIGIN_URL: originUrl(deploy.origins.hierarchical),
  };
  const control = {
    CONTROL_TABLE: names.tables.control,
    ...flags,
    APPCONFIG_STRATEGY: props.flags.strategyId,
    ROUTE_STORE_ARN: state.routes.keyValueStoreArn,
    FUNCTION_PREFIX: names.functionName(''),
    METRIC_NAMESPACE,
  };
  return new Map<FunctionFolder, Environment>([
    ['prepare-source', { ...source }],
    ['plan-batches', { ...source, ...progress, RANGE_QUEUE_URL: state.ranges.queue.queueUrl }],
    ['migrate-batch', { ...source, ...stateTable, ...progress, ...quarantine }],
    [
      'relay-changes',
      {
        ...source,
        ...progress,
        ...bodies,
        CHANGE_QUEUE_URL: state.changes.queue.queueUrl,
        LOOP_SECONDS: '50',
        METRIC_NAMESPACE,
      },
    ],
    ['apply-changes', { ...stateTable, ...progress, ...quarantine }],
    ['reverse-changes', { ...source, ...stateTable, ...reversePending }],
    [
      'switch-authority',
      {
        ...source,
        ...stateTable,
        ...authority,
        ...progress,
        ...reversePending,
        ...quarantine,
        METRIC_NAMESPACE,
      },
    ],
    ['describe-state', { ...source, ...authority, ...progress, ...reversePending, ...quarantine }],
    [
      'verify-state',
      { ...source, ...stateTable, ...authority, ...progress, ...quarantine, TIME_BUDGET_SECONDS: '45' },
    ],
    [
      'reconcile-state',
      {
        ...source,
        ...stateTable,
        ...progress,
        ...quarantine,
        CONTROL_TABLE: names.tables.control,
        LOOP_SECONDS: '50',
        METRIC_NAMESPACE,
      },
    ],
    ['backup-state', { ...source, ...stateTable, ...reversePending, ...backup, TIME_BUDGET_SECONDS: '20' }],
    ['restore-state', { ...allState, ...backup, TIME_BUDGET_SECONDS: '20' }],
    ['check-integrity', { ...source, ...stateTable, TIME_BUDGET_SECONDS: '20' }],
    ['examine-neurons', { ...allState, TIME_BUDGET_SECONDS: '20' }],
    ['examine-learning', { ...source, ...stateTable, TIME_BUDGET_SECONDS: '20' }],
    ['transfer-records', { ...source, ...stateTable, ...progress, TIME_BUDGET_SECONDS: '20' }],
    [
      'publish-edition',
      {
        ...source,
        ...stateTable,
        ...authority,
        ...progress,
        ...reversePending,
        EDITIONS_TABLE: names.tables.editions,
      },
    ],
    ['check-sessions', { ...source, ...stateTable, ...progress, TIME_BUDGET_SECONDS: '20' }],
    ['verify-audit', { ...source, ...stateTable, ...progress, TIME_BUDGET_SECONDS: '20' }],
    ['copy-matching', { ...source, ...stateTable, ...progress, ...quarantine, TIME_BUDGET_SECONDS: '20' }],
    ['benchmark-state', { ...source, ...stateTable }],
    ['replay-quarantine', { ...source, ...stateTable, ...authority, ...reversePending, ...quarantine }],
    [
      'sweep-bodies',
      { ...stateTable, ...progress, CONTROL_TABLE: names.tables.control, TIME_BUDGET_SECONDS: '20' },
    ],
    ['publish-routes', { ...flags, ROUTE_STORE_ARN: state.routes.keyValueStoreArn, METRIC_NAMESPACE }],
    [
      'measure-outcomes',
      { ...flags, SHADOW_QUEUE_URL: state.shadowSamples.queue.queueUrl, METRIC_NAMESPACE },
    ],
    ['replay-shadow', { ...origins, SHADOW_TABLE: names.tables.shadow, METRIC_NAMESPACE }],
    ['check-health', { ...origins, METRIC_NAMESPACE }],
    ['enter-step', control],
    ['evaluate-gate', control],
    ['roll-back', control],
  ]);
}

/** Files remember nothing themselves. */
function openedSource({ deploy, names, state }: FunctionEnvironmentProps): SourceConfig {
  if (deploy.source.kind !== 'jsonl') return deploy.source;
  return {
    ...deploy.source,
    keeping: { table: names.tables.progress, bucket: state.backup.bucketName },
  };
}

function originUrl(origin: OriginConfig): string {
  return `${origin.protocol}://${origin.domainName}:${origin.port}`;
}
