import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import { acknowledge } from '../checks/acknowledge.ts';

/** The same in every stack of one account and Region. */
export function backupBucketName(stack: Stack, names: ResourceNames): string {
  return `${names.backupBucket}-${stack.account}-${stack.region}`;
}

/**
 * What an upload that never ended leaves, and what was replaced or deleted, is not kept for ever: but longer than the 35
 * days that a table can be restored to, whose items may name bodies that were deleted since.
 */
const keptDays = { unfinishedUpload: 2, replacedVersion: 90 };

/** Where backups of checkpoints are kept: encrypted, versioned, reached over TLS only, never public, never deleted with its stack. */
export class BackupBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, bucketName: string) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      bucketName,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(keptDays.unfinishedUpload),
          noncurrentVersionExpiration: Duration.days(keptDays.replacedVersion),
          expiredObjectDeleteMarker: true,
        },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(
      this.bucket,
      'AwsSolutions-S1',
      'Only the functions of this product reach it, and each of its objects is named with its sha256 in a manifest.',
    );
  }
}
