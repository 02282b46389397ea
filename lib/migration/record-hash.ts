import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import { recordPk } from './key.ts';
import type { TargetRecord } from './record.ts';

/** Sort key of every record: one item per key. */
export const recordSk = '.';

type HashedContent = Pick<TargetRecord, 'key' | 'version' | 'state' | 'body'>;

/** sha256 over identity, version, state and body, so that neither a moved nor a replayed body can pass. */
function recordHash(record: HashedContent): string {
  const { epoch, sequence } = record.version;
  return sha256Hex(
    canonicalJson([recordPk(record.key), recordSk, epoch, sequence, record.state, record.body]),
  );
}

/** Completes a record with its hash. */
export function sealRecord(record: Omit<TargetRecord, 'hash'>): TargetRecord {
  return { ...record, hash: recordHash(record) };
}

/** False when the content is not what was sealed. */
export function isIntact(record: TargetRecord): boolean {
  return record.hash === recordHash(record) && (record.state === 'live') === (record.body !== null);
}
