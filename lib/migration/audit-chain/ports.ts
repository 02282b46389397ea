import type { SealedPoint } from './chain.ts';

/** Rows of one table that share the first key column and are numbered by the second. */
export interface AuditStream {
  readonly recordType: string;
  readonly stream: string;
}

export interface AuditSeal extends SealedPoint {
  /** From 0, without a gap. */
  readonly index: number;
  readonly sealedAtMs: number;
  readonly by: string;
}

/**
 * The seals of each stream, only ever added to. Adapters: `lib/aws/seal-store.ts`, `lib/memory/seal-store.ts`;
 * contract: `test/contract/seal-store.ts`.
 */
export interface SealStore {
  /** In order. */
  list(stream: AuditStream): Promise<readonly AuditSeal[]>;
  /** False when the index is taken: of two who seal at once only one does. */
  append(stream: AuditStream, seal: AuditSeal): Promise<boolean>;
}
