import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import type { Clock } from '../kernel/clock.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import { bodyName, parseBodyName } from '../migration/body-name.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';
import { makeS3Client } from './clients.ts';

/** Objects `bodies/<day>/<sha256>` of a bucket. */
export function makeLargeBodies(deps: { client: S3Client; bucket: string; clock: Clock }): LargeBodies {
  const { client, bucket, clock } = deps;
  return {
    async put(text) {
      const bytes = Buffer.from(text);
      const name = bodyName({ putAtMs: clock.nowMs(), sha256: sha256Hex(bytes) });
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: bodyKey(name),
          Body: bytes,
          ContentType: 'application/json',
        }),
      );
      return name;
    },
    async get(name) {
      const parsed = parseBodyName(name);
      if (parsed === null) return null;
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: bodyKey(name) }));
        const bytes = await Body?.transformToByteArray();
        if (bytes === undefined || sha256Hex(bytes) !== parsed.sha256) return null;
        return Buffer.from(bytes).toString('utf8');
      } catch (fault) {
        if (fault instanceof Error && fault.name === 'NoSuchKey') return null;
        throw fault;
      }
    },
  };
}

/** Below it are large bodies and nothing else. */
export const bodyPrefix = 'bodies/';

export function bodyKey(name: string): string {
  return `${bodyPrefix}${name}`;
}

/** Where the bodies of a deployment are, as its functions are told. */
export interface BodySettings {
  readonly BODY_BUCKET: string;
  /** Set where an engine stands in for S3. */
  readonly AWS_ENDPOINT_URL_S3?: string | undefined;
}

export function openLargeBodies(env: BodySettings): LargeBodies {
  const client = makeS3Client({ pathStyle: env.AWS_ENDPOINT_URL_S3 !== undefined });
  return makeLargeBodies({ client, bucket: env.BODY_BUCKET, clock: { nowMs: () => Date.now() } });
}
