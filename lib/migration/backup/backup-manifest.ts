import * as z from 'zod/mini';

import { parseSealed, seal } from '../sealed-json.ts';

const version = z.object({ epoch: z.int(), sequence: z.int() });

const part = z.object({
  name: z.string(),
  category: z.string(),
  /** `base`: rows in key order. `later`: what changed while those were read; it replaces them. */
  kind: z.enum(['base', 'later']),
  entries: z.int(),
  /** Stored length and digest. */
  bytes: z.int(),
  sha256: z.string(),
});

const categoryHash = z.object({
  category: z.string(),
  /** Rows of the flat store when the category was finished. */
  rows: z.int(),
  /** Records read, those read again because they changed meanwhile included. */
  entries: z.int(),
  changedMeanwhile: z.int(),
  /** Over the records in key order, then those that changed meanwhile in the order of the change log. */
  sha256: z.string(),
  /** Everything up to this version is in, nothing behind it; null where no change log tells. */
  cut: z.nullable(version),
  authority: z.enum(['flat', 'hierarchical']),
  epoch: z.int(),
});

const manifest = z.object({
  schemaVersion: z.literal(1),
  checkpointId: z.string(),
  definition: z.string(),
  startedAtMs: z.number(),
  finishedAtMs: z.number(),
  categories: z.array(categoryHash),
  parts: z.array(part),
  /** Over everything above. */
  sha256: z.string(),
});

export const partSchema = part;
export const categoryHashSchema = categoryHash;
export type BackupPart = z.infer<typeof part>;
export type CategoryHash = z.infer<typeof categoryHash>;
export type BackupManifest = z.infer<typeof manifest>;

export function sealManifest(content: Omit<BackupManifest, 'sha256'>): BackupManifest {
  return seal(content);
}

/** null when the text is not what was sealed. */
export function parseManifest(text: string): BackupManifest | null {
  return parseSealed(manifest, text);
}

/** What one checkpoint's backup adds up to. */
export interface BackupSummary {
  readonly parts: number;
  readonly entries: number;
  readonly bytes: number;
  readonly manifestSha256: string;
}

export function summaryOf({ parts, sha256 }: BackupManifest): BackupSummary {
  return {
    parts: parts.length,
    entries: parts.reduce((sum, { entries }) => sum + entries, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    manifestSha256: sha256,
  };
}
