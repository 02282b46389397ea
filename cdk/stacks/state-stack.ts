import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { KeyValueStore } from 'aws-cdk-lib/aws-cloudfront';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { BackupBucket, backupBucketName } from '../constructs/backup-bucket.ts';
import { PinnedTable } from '../constructs/pinned-table.ts';
import { WorkQueue } from '../constructs/work-queue.ts';

export interface StateStackProps extends StackProps {
  readonly names: ResourceNames;
}

/** What must survive everything else: the migrated state, the bookkeeping of the move, the queues between workers. */
export class StateStack extends Stack {
  readonly state: TableV2;
  readonly authority: TableV2;
  readonly progress: TableV2;
  readonly reversePending: TableV2;
  readonly quarantine: TableV2;
  readonly control: TableV2;
  readonly shadow: TableV2;
  readonly editions: TableV2;
  readonly backup: Bucket;
  readonly ranges: WorkQueue;
  readonly changes: WorkQueue;
  readonly shadowSamples: WorkQueue;
  readonly outcomes: Stream;
  readonly routes: KeyValueStore;

  constructor(scope: Construct, id: string, props: StateStackProps) {
    super(scope, id, props);
    const { tables, queues } = props.names;
    const table = (tableId: string, tableName: string, more: object = {}): TableV2 =>
      new PinnedTable(this, tableId, { tableName, ...more }).table;

    this.state = table('State', tables.state, {
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      timeToLiveAttribute: 'ttl',
    });
    this.authority = table('Authority', tables.authority);
    this.progress = table('Progress', tables.progress);
    this.reversePending = table('ReversePending', tables.reversePending);
    this.quarantine = table('Quarantine', tables.quarantine);
    this.control = table('Control', tables.control);
    this.shadow = table('Shadow', tables.shadow, { timeToLiveAttribute: 'ttl' });
    this.editions = table('Editions', tables.editions);

    this.backup = new BackupBucket(this, 'Backup', backupBucketName(this, props.names)).bucket;

    this.ranges = new WorkQueue(this, 'Ranges', {
      queueName: queues.ranges,
      visibilityTimeout: Duration.minutes(30),
    });
    this.changes = new WorkQueue(this, 'Changes', {
      queueName: queues.changes,
      visibilityTimeout: Duration.minutes(6),
    });
    this.shadowSamples = new WorkQueue(this, 'ShadowSamples', {
      queueName: queues.shadowSamples,
      visibilityTimeout: Duration.minutes(6),
    });
    this.routes = new KeyValueStore(this, 'Routes', {
      keyValueStoreName: props.names.routeStore,
      comment: 'Compiled routes; AppConfig is the system of record',
    });
    this.outcomes = new Stream(this, 'Outcomes', {
      streamName: props.names.outcomeStream,
      streamMode: StreamMode.ON_DEMAND,
      encryption: StreamEncryption.MANAGED,
      retentionPeriod: Duration.hours(24),
      // Outcome records are samples of requests; losing them loses no state.
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
