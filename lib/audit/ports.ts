import type { AuditEntry, AuditRecord } from './record.ts';

/** Append-only. Adapters: `lib/aws/audit-log.ts`, `lib/memory/audit-log.ts`. */
export interface AuditLog {
  /** Adds the entry behind the newest record; two writers never get one sequence. */
  append(entry: AuditEntry): Promise<AuditRecord>;
  /** Oldest first, from `afterSequence` (exclusive). */
  list(afterSequence: number, limit: number): Promise<readonly AuditRecord[]>;
}
