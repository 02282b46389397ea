import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

import { isSourceFile, requireReadableNames } from '../jsonl/file-names.ts';
import { sourceChanged, sourceMissing, sourceUnreadable } from '../jsonl/faults.ts';
import type { SourceFile, SourceFiles } from '../jsonl/ports.ts';

/** Objects below a prefix of a bucket; every read names the ETag that was listed, so that S3 refuses another object. */
export function makeSourceObjects({
  client,
  bucket,
  prefix,
}: {
  client: S3Client;
  bucket: string;
  prefix: string;
}): SourceFiles {
  const place = `s3://${bucket}/${prefix}`;
  // A prefix that names one object is that object alone.
  const folder = isSourceFile(prefix) ? prefix.slice(0, prefix.lastIndexOf('/') + 1) : prefix;
  const get = async (file: SourceFile, range?: string): Promise<AsyncIterable<Uint8Array>> => {
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: `${folder}${file.name}`,
      IfMatch: file.tag,
      ...(range === undefined ? {} : { Range: range }),
    });
    try {
      const { Body, ETag } = await client.send(command);
      if (ETag !== undefined && ETag !== file.tag) throw sourceChanged(place, [`${file.name} was replaced`]);
      return Body as AsyncIterable<Uint8Array>;
    } catch (fault) {
      throw explained(place, file.name, fault);
    }
  };
  return {
    place,
    async list() {
      const found: SourceFile[] = [];
      let token: string | undefined;
      do {
        const page = await client
          .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }))
          .catch((fault: unknown) => {
            throw explained(place, place, fault);
          });
        for (const { Key = '', Size = 0, ETag = '' } of page.Contents ?? [])
          found.push({ name: Key.slice(folder.length), sizeBytes: Size, tag: ETag });
        token = page.NextContinuationToken;
      } while (token !== undefined);
      if (found.length === 0) throw sourceMissing(place, 'there is no object with that prefix');
      const names = found.map(({ name }) => name);
      requireReadableNames(place, names);
      return found
        .filter(({ name }) => isSourceFile(name))
        .toSorted((left, right) => (left.name < right.name ? -1 : 1));
    },
    async *stream(file) {
      yield* await get(file);
    },
    async read(file, from, length) {
      const chunks: Uint8Array[] = [];
      if (length > 0)
        for await (const chunk of await get(file, `bytes=${from}-${from + length - 1}`)) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length !== length) throw sourceChanged(place, [`${file.name} is shorter`]);
      return bytes;
    },
  };
}

const changedNames = new Set(['PreconditionFailed', 'NoSuchKey', 'InvalidRange']);

function explained(place: string, name: string, fault: unknown): unknown {
  if (!(fault instanceof Error)) return fault;
  const status = (fault as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata
    ?.httpStatusCode;
  if (changedNames.has(fault.name) || status === 412) return sourceChanged(place, [`${name} was replaced`]);
  if (fault.name === 'NoSuchBucket') return sourceMissing(place, 'there is no such bucket');
  if (fault.name === 'AccessDenied' || status === 403)
    return sourceUnreadable(place, 'access is denied', fault);
  return fault;
}
