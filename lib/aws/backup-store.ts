import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import type { BackupStore } from '../migration/backup/ports.ts';
import { gzipBlock, readGzipBlocks } from './gzip-blocks.ts';

/** The least that S3 takes for one of several pieces; with one under way at a time, also what an upload holds. */
const pieceBytes = 5 * 1024 * 1024;

/** Backups in a bucket: `checkpoints/<id>/<part>`, and `checkpoints/<id>/manifest.json` when all of it is there. */
export function makeBackupStore(deps: { client: S3Client; bucket: string }): BackupStore {
  const { client, bucket } = deps;

  async function get(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (Body ?? null) as AsyncIterable<Uint8Array> | null;
    } catch (fault) {
      if (fault instanceof Error && fault.name === 'NoSuchKey') return null;
      throw fault;
    }
  }

  return {
    async writePart(name, blocks) {
      const seen = meter();
      const body = Readable.from(metered(packed(blocks), seen), { objectMode: false });
      await new Upload({
        client,
        params: { Bucket: bucket, Key: partKey(name), Body: body, ContentType: 'application/gzip' },
        queueSize: 1,
        partSize: pieceBytes,
        leavePartsOnError: false,
      }).done();
      return seen.total();
    },
    async readPart(name, visit) {
      const body = await get(partKey(name));
      if (body === null) return null;
      const seen = meter();
      for await (const block of readGzipBlocks(metered(body, seen))) await visit(block);
      return seen.total();
    },
    async putManifest(checkpointId, text) {
      const Key = manifestKey(checkpointId);
      const ContentType = 'application/json';
      // The condition decides; the look before it is for stores that do not know conditions.
      if ((await get(Key)) !== null) return false;
      try {
        await client.send(
          new PutObjectCommand({ Bucket: bucket, Key, Body: text, ContentType, IfNoneMatch: '*' }),
        );
        return true;
      } catch (fault) {
        if (fault instanceof Error && fault.name === 'PreconditionFailed') return false;
        throw fault;
      }
    },
    async readManifest(checkpointId) {
      const body = await get(manifestKey(checkpointId));
      if (body === null) return null;
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

function partKey(name: string): string {
  return `checkpoints/${name}`;
}

function manifestKey(checkpointId: string): string {
  return `checkpoints/${checkpointId}/manifest.json`;
}

async function* packed(blocks: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const block of blocks) yield gzipBlock(block);
}

interface Meter {
  add(chunk: Uint8Array): void;
  total(): { bytes: number; sha256: string };
}

function meter(): Meter {
  const digest = createHash('sha256');
  let bytes = 0;
  return {
    add(chunk) {
      digest.update(chunk);
      bytes += chunk.length;
    },
    total: () => ({ bytes, sha256: digest.digest('hex') }),
  };
}

async function* metered(chunks: AsyncIterable<Uint8Array>, seen: Meter): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    seen.add(chunk);
    yield chunk;
  }
}
