import * as z from 'zod/mini';

import { parseSealed, seal } from '../sealed-json.ts';

const origin = z.object({
  /** Of the migration that the rows were exported from. */
  migrationId: z.string(),
  definition: z.string(),
  category: z.string(),
  /** Position of the change log before the first row was read: the version of every row that has none of its own. */
  watermark: z.object({ epoch: z.int(), sequence: z.int() }),
});

const part = z.object({
  name: z.string().check(z.regex(/^part-\d{5}\.jsonl$/)),
  lines: z.int(),
  /** Length and digest of the file. */
  bytes: z.int(),
  sha256: z.string(),
});

const manifest = z.object({
  schemaVersion: z.literal(1),
  /** `rows` of the flat store, or `records` as the hierarchical store holds them. */
  content: z.enum(['rows', 'records']),
  origin,
  lines: z.int(),
  /** Rows without hierarchical form, each with its reason in `rejected.jsonl`. */
  rejected: z.int(),
  parts: z.array(part),
  createdAtMs: z.number(),
  /** Over everything above. */
  sha256: z.string(),
});

export type TransferOrigin = z.infer<typeof origin>;
export type TransferPart = z.infer<typeof part>;
export type TransferManifest = z.infer<typeof manifest>;
export type TransferContent = TransferManifest['content'];
export const transferOriginSchema = origin;

export function sealTransfer(content: Omit<TransferManifest, 'sha256'>): TransferManifest {
  return seal(content);
}

/** null when the text is not what was sealed. */
export function parseTransfer(text: string): TransferManifest | null {
  return parseSealed(manifest, text);
}
