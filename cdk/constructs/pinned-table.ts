import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { StreamViewType } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

export interface PinnedTableProps {
  readonly tableName: string;
  readonly stream?: StreamViewType;
  /** Attribute with the epoch second of expiry. */
  readonly timeToLiveAttribute?: string;
}

/** A table that holds what must not be lost: retained, protected from deletion, restorable to any second. */
export class PinnedTable extends Construct {
  readonly table: TableV2;

  constructor(scope: Construct, id: string, props: PinnedTableProps) {
    super(scope, id);
    this.table = new TableV2(this, 'Table', {
      tableName: props.tableName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.awsManagedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      ...(props.stream === undefined ? {} : { dynamoStream: props.stream }),
      ...(props.timeToLiveAttribute === undefined ? {} : { timeToLiveAttribute: props.timeToLiveAttribute }),
    });
  }
}
