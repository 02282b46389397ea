import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/sha256.ts';

/** What somebody did; facts are JSON values. */
export interface AuditEntry {
  readonly atMs: number;
  /** `operator:<who>`, `alarm:<name>`, `workflow`. */
  readonly principal: string;
  /** Verb and object: `enter-step`, `roll-back`. */
  readonly action: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** One link of the chain: its hash covers the hash before it, so nothing can be changed or left out unseen. */
export interface AuditRecord extends AuditEntry {
  /** From 1, without a gap. */
  readonly sequence: number;
  readonly previousHash: string;
  readonly hash: string;
}

const firstPreviousHash = '0'.repeat(64);

export function linkRecord(entry: AuditEntry, head: AuditRecord | null): AuditRecord {
  const sequence = (head?.sequence ?? 0) + 1;
  const previousHash = head?.hash ?? firstPreviousHash;
  return { ...entry, sequence, previousHash, hash: hashOf(entry, sequence, previousHash) };
}

export type ChainVerdict =
  | { readonly kind: 'sound'; readonly length: number }
  | { readonly kind: 'broken'; readonly atSequence: number; readonly why: string };

/** Checks a whole chain from its first record on. */
export function verifyChain(records: readonly AuditRecord[]): ChainVerdict {
  let previousHash = firstPreviousHash;
  for (const [index, record] of records.entries()) {
    const atSequence = index + 1;
    if (record.sequence !== atSequence) return { kind: 'broken', atSequence, why: 'a record is missing' };
    if (record.previousHash !== previousHash) return { kind: 'broken', atSequence, why: 'the link is cut' };
    if (record.hash !== hashOf(record, atSequence, previousHash)) {
      return { kind: 'broken', atSequence, why: 'the record was changed' };
    }
    previousHash = record.hash;
  }
  return { kind: 'sound', length: records.length };
}

function hashOf(entry: AuditEntry, sequence: number, previousHash: string): string {
  const { atMs, principal, action, facts } = entry;
  return sha256Hex(canonicalJson([sequence, previousHash, atMs, principal, action, facts]));
}
