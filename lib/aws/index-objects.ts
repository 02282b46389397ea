import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import { makeLocalIndexes } from '../jsonl/local-indexes.ts';
import type { IndexStore } from '../jsonl/ports.ts';

/** Where indexes of files are, in the bucket of the backups. */
const indexPrefix = 'source-index/';

/** Indexes in a bucket, with a copy in a folder of this machine. */
export function makeIndexObjects(deps: { client: S3Client; bucket: string; folder: string }): IndexStore {
  const { client, bucket, folder } = deps;
  const local = makeLocalIndexes(folder);
  return {
    async fetch(fingerprint) {
      const kept = await local.fetch(fingerprint);
      if (kept !== null) return kept;
      const draft = await local.draft();
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(fingerprint) }));
        await pipeline(Body as NodeJS.ReadableStream, createWriteStream(draft));
      } catch (fault) {
        await rm(draft, { force: true });
        if (fault instanceof Error && fault.name === 'NoSuchKey') return null;
        throw fault;
      }
      return await local.keep(fingerprint, draft);
    },
    draft: () => local.draft(),
    async keep(fingerprint, draft) {
      const Body = Readable.from(createReadStream(draft), { objectMode: false });
      const params = { Bucket: bucket, Key: keyOf(fingerprint), Body };
      await new Upload({ client, params, queueSize: 2, leavePartsOnError: false }).done();
      return await local.keep(fingerprint, draft);
    },
  };
}

function keyOf(fingerprint: string): string {
  return `${indexPrefix}${fingerprint}.sqlite`;
}
