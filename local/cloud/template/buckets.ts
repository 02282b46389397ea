import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';

import { optionalText } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';

/** Creates the buckets that have a name of their own; one without holds access logs, which no local edge writes. */
export async function ensureBuckets(client: S3Client, resources: readonly ResolvedResource[]): Promise<void> {
  for (const resource of resources.filter(({ type }) => type === 'AWS::S3::Bucket')) {
    const name = optionalText(resource, 'BucketName');
    if (name === undefined) continue;
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    } catch (fault) {
      const isThere = fault instanceof Error && fault.name.startsWith('BucketAlready');
      if (!isThere) throw fault;
    }
  }
}
