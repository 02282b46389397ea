import { DeleteObjectCommand, ListObjectsV2Command, type S3Client, type _Object } from '@aws-sdk/client-s3';

import type { BodyObject, BodyObjects } from '../migration/bodies/ports.ts';
import { bodyKey, bodyPrefix } from './large-bodies.ts';

/**
 * Large bodies in their bucket. The bucket keeps what is deleted as an earlier version for a while, which is no part
 * of this: by this port it is gone.
 */
export function makeBodyObjects(deps: { client: S3Client; bucket: string }): BodyObjects {
  const { client, bucket } = deps;
  return {
    async list(after, limit) {
      const answer = await client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: bodyPrefix,
          MaxKeys: limit,
          ...(after === null ? {} : { StartAfter: bodyKey(after) }),
        }),
      );
      return (answer.Contents ?? []).map(objectOf);
    },
    async find(name) {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: bodyKey(name), MaxKeys: 1 });
      const [first] = (await client.send(command)).Contents ?? [];
      return first?.Key === bodyKey(name) ? objectOf(first) : null;
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: bodyKey(name) }));
    },
  };
}

/** One without a time is taken for new, and stays. */
function objectOf({ Key = '', LastModified, Size = 0 }: _Object): BodyObject {
  const storedAtMs = LastModified?.getTime() ?? Number.POSITIVE_INFINITY;
  return { name: Key.slice(bodyPrefix.length), storedAtMs, bytes: Size };
}
