import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/sha256.ts';

import type { BackupSummary, CategoryHash } from '../migration/backup/backup-manifest.ts';

/** A manifest of where everything stood. The data itself is in its backup, when it has one. */
export interface Checkpoint {
  readonly checkpointId: string;
  readonly name: string;
  readonly description: string | null;
  readonly kind: 'operator' | 'pre-phase';
  readonly phase: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly runId: string | null;
  readonly flags: {
    readonly version: number;
    readonly routingEpoch: number;
    readonly trafficThousandths: number;
    readonly killSwitch: boolean;
  } | null;
  /** null when the source could not be read; `sourceFault` says why. */
  readonly categories: readonly CategoryMark[] | null;
  readonly sourceFault: string | null;
  /** Content of each category; absent where only the counts were asked for. */
  readonly hashes?: readonly CategoryHash[];
  /** What was stored in the backup bucket; absent when nothing was. */
  readonly backup?: BackupSummary;
  /** sha256 over everything above. */
  readonly rootSha256: string;
}

export interface CategoryMark {
  readonly category: string;
  readonly rows: number;
  readonly authority: 'open' | 'fenced' | 'following' | 'unknown';
  readonly epoch: number | null;
}

export function sealCheckpoint(content: Omit<Checkpoint, 'rootSha256'>): Checkpoint {
  return { ...content, rootSha256: sha256Hex(canonicalJson(content)) };
}

/** False when a manifest is not what was sealed. */
export function isSealed({ rootSha256, ...content }: Checkpoint): boolean {
  return sha256Hex(canonicalJson(content)) === rootSha256;
}

/** Names become parts of ids and file names. */
export function checkpointId(name: string, atMs: number): string {
  const stamp = new Date(atMs).toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const safe = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return `${safe === '' ? 'checkpoint' : safe.slice(0, 60)}-${stamp}`;
}
