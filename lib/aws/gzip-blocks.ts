import { gunzipSync, gzipSync } from 'node:zlib';

import type { ReadBlock } from '../migration/backup/ports.ts';

/** Where a block begins: the header of a gzip member, with a time stamp that is a mark of ours. */
const mark = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x48, 0x41, 0x4c, 0x39, 0x00, 0x03]);

/** Longest piece without a mark that is held in memory. */
const maxBlockBytes = 64 * 1024 * 1024;

/** Most of a damaged block that is kept to look at. */
const keptRawBytes = 64 * 1024;

/** One gzip member; one after the other they are a gzip file that any tool reads. */
export function gzipBlock(text: string): Buffer {
  const member = gzipSync(text);
  mark.copy(member);
  return member;
}

/** Cuts a gzip file at the marks of its members and reads each by itself. */
export async function* readGzipBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ReadBlock> {
  let held: Buffer = Buffer.alloc(0);
  let searchedTo = 1;
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      const next = held.indexOf(mark, searchedTo);
      if (next < 0) break;
      yield readBlock(held.subarray(0, next));
      held = held.subarray(next);
      searchedTo = 1;
    }
    searchedTo = Math.max(1, held.length - mark.length);
    if (held.length > maxBlockBytes) {
      yield damaged(held, 'no block ends within 64 MB');
      held = Buffer.alloc(0);
      searchedTo = 0;
    }
  }
  if (held.length > 0) yield readBlock(held);
}

function readBlock(member: Buffer): ReadBlock {
  if (!member.subarray(0, mark.length).equals(mark))
    return damaged(member, 'the block does not begin as one');
  try {
    return { kind: 'intact', text: new TextDecoder('utf-8', { fatal: true }).decode(gunzipSync(member)) };
  } catch (error) {
    return damaged(member, error instanceof Error ? error.message : 'it cannot be unpacked');
  }
}

function damaged(member: Buffer, reason: string): ReadBlock {
  return { kind: 'damaged', reason, raw: new Uint8Array(member.subarray(0, keptRawBytes)) };
}
