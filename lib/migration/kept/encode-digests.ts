import type { BucketSums } from './bucket-sums.ts';
import { beginDigests, type KeptCategory, type KeptDigests, type OpenKey } from './kept-digests.ts';
import type { StreamPosition } from './ports.ts';

/** More than this is not kept: so many keys are open that looking at all of them is no dearer. */
export const mostKeptBytes = 1_000_000;

interface Header {
  readonly stage: KeptDigests['stage'];
  readonly anchoredAtMs: number;
  readonly categories: readonly KeptCategory[];
  readonly position: StreamPosition;
  readonly open: readonly (readonly [string, OpenKey])[];
}

/** As bytes: length of the header, the header as JSON, the sums of both sides. */
export function encodeDigests(digests: KeptDigests): Uint8Array {
  const { stage, anchoredAtMs, categories, position, open } = digests;
  const header: Header = { stage, anchoredAtMs, categories, position, open: [...open] };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, lanesOf(digests.source), lanesOf(digests.target)]);
}

export function decodeDigests(bytes: Uint8Array): KeptDigests {
  const buffer = Buffer.from(bytes);
  const from = 4 + buffer.readUInt32LE(0);
  const header = JSON.parse(buffer.toString('utf8', 4, from)) as Header;
  const digests = beginDigests(header.anchoredAtMs, header.categories, header.position);
  buffer.copy(lanesOf(digests.source), 0, from);
  buffer.copy(lanesOf(digests.target), 0, from + digests.source.byteLength);
  for (const [pk, key] of header.open) digests.open.set(pk, key);
  digests.stage = header.stage;
  return digests;
}

/** Writer and reader run on little-endian machines. */
function lanesOf(sums: BucketSums): Buffer {
  return Buffer.from(sums.buffer, sums.byteOffset, sums.byteLength);
}
