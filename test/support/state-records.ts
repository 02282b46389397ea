import { sealRecord } from '../../lib/migration/record-hash.ts';
import type { TargetRecord } from '../../lib/migration/record.ts';

/** A session as the state table holds it; only what matters to the case is given. */
export function aRecord(
  given: Partial<Omit<TargetRecord, 'key' | 'hash'>> & { id?: string } = {},
): TargetRecord {
  const { id = 'one', ...fields } = given;
  return sealRecord({
    key: { recordType: 'session', id },
    category: 'user-sessions',
    version: { epoch: 1, sequence: 1 },
    state: 'live',
    origin: 'flat',
    body: '{"a":1}',
    ...fields,
  });
}

export function lostReply(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** Backoff takes no time in tests. */
export const noSleep = { sleep: (): Promise<void> => Promise.resolve() };
