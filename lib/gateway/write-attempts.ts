import { HalError } from '../kernel/errors.ts';
import { groupOf } from '../migration/bucket.ts';
import { convertRow } from '../migration/convert-image.ts';
import { fitsStores, maxPkBytes } from '../migration/key.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import { sealRecord } from '../migration/record-hash.ts';
import {
  compareVersions,
  type RecordOrigin,
  type RecordVersion,
  type StoredRecord,
  type TargetRecord,
} from '../migration/record.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { unavailable, type Attempt, type GatewayDeps, type GatewayWrite } from './outcome.ts';
import { hierarchicalSide, readStored } from './read-once.ts';

export interface WriteAttempts {
  once(): Promise<Attempt<GatewayWrite>>;
  /** The answer when time is up. */
  givenUp(): GatewayWrite;
}

interface Write {
  readonly table: MigratedTable;
  readonly key: RecordKey;
  readonly row: FlatRow | null;
}

/**
 * The attempts of one write. Under flat authority one transaction decides. Under hierarchical authority a record
 * replaces the version that was read. Whatever answer is not a success leaves that record in doubt, since adapters
 * repeat requests whose reply was lost, and "version moved" may be the answer to a repeat of our own success.
 * Nothing else is sent until a read has settled whether it arrived.
 */
export function makeWriteAttempts(deps: GatewayDeps, write: Write): WriteAttempts {
  let inDoubt: TargetRecord | null = null;
  let attempts = 0;

  const sendNext = async (
    stored: StoredRecord | null,
    authority: FlatAuthority,
  ): Promise<Attempt<GatewayWrite>> => {
    if (stored !== null && stored.version.epoch > authority.epoch) return { kind: 'blocked' };
    if (inDoubt === null && write.row === null && isAbsent(stored)) return written(stored, 'hierarchical');
    const next = inDoubt ?? nextRecord(write, stored, authority.epoch, deps.clock.nowMs());
    if ('kind' in next) return { kind: 'done', outcome: next };
    inDoubt = next;
    attempts += 1;
    const result = await sendRecord(deps, next, stored?.version ?? null);
    return result === 'written'
      ? written(next, 'hierarchical')
      : again(backoffMs(attempts, deps.random.next()));
  };

  return {
    async once() {
      const { authority } = await deps.flat.read(write.table.category, write.key);
      const side =
        authority.state === 'following'
          ? await hierarchicalSide(deps, write.table, write.key, authority)
          : 'elsewhere';
      const stored = side === 'open' || inDoubt !== null ? await readStored(deps, write.key) : null;
      if (inDoubt !== null) {
        const settled = settle(inDoubt, stored, side === 'open' && authority.epoch === inDoubt.version.epoch);
        if (settled.kind === 'done') return settled;
        if (settled.kind === 'did-not-arrive') inDoubt = null;
      }
      if (side === 'open') return await sendNext(stored, authority);
      return authority.state === 'open' ? await writeFlat(deps, write, authority.epoch) : { kind: 'blocked' };
    },
    givenUp: () => (inDoubt === null ? unavailable() : unknownOutcome()),
  };
}

async function writeFlat(
  deps: Pick<GatewayDeps, 'flat'>,
  write: Write,
  epoch: number,
): Promise<Attempt<GatewayWrite>> {
  const result = await deps.flat.write(write.table.category, write.key, write.row, epoch);
  return result.kind === 'written' ? written(null, 'flat') : again(0);
}

function nextRecord(
  write: Write,
  stored: StoredRecord | null,
  epoch: number,
  nowMs: number,
): TargetRecord | Extract<GatewayWrite, { kind: 'rejected' }> {
  const { key, row, table } = write;
  const sequence = stored?.version.epoch === epoch ? stored.version.sequence + 1 : 1;
  const identity = { key, category: table.category, version: { epoch, sequence } } as const;
  if (!fitsStores(key)) {
    return { kind: 'rejected', errorName: 'KeyTooLong', message: `a key has at most ${maxPkBytes} bytes` };
  }
  if (row === null)
    return sealRecord({ ...identity, state: 'tombstone', origin: 'hierarchical', body: null });
  const conversion = convertRow(row, table, nowMs);
  if (conversion.kind === 'rejected') return conversion;
  const { body, expiresAtS } = conversion;
  return sealRecord({
    ...identity,
    state: 'live',
    origin: 'hierarchical',
    body,
    ...(expiresAtS === undefined ? {} : { expiresAtS }),
  });
}

async function sendRecord(
  deps: Pick<GatewayDeps, 'hierarchical'>,
  record: TargetRecord,
  expected: RecordVersion | null,
): Promise<'written' | 'in-doubt'> {
  try {
    const result = await deps.hierarchical.write(record, { group: groupOf(record.key), expected });
    return result === 'written' ? 'written' : 'in-doubt';
  } catch (error) {
    // A fault with a name says that the request itself is wrong; anything else may have been a lost reply.
    if (error instanceof HalError) throw error;
    return 'in-doubt';
  }
}

/**
 * What a read tells about a record in doubt. While its epoch is still writable a record that is not there may yet
 * arrive and must be repeated as it is; otherwise the store refuses it for good.
 */
function settle(
  inDoubt: TargetRecord,
  stored: StoredRecord | null,
  mayStillArrive: boolean,
): Attempt<GatewayWrite> | { readonly kind: 'did-not-arrive' } | { readonly kind: 'repeat' } {
  const order = stored === null ? -1 : compareVersions(stored.version, inDoubt.version);
  if (order > 0) return { kind: 'done', outcome: unknownOutcome() };
  if (order === 0 && stored?.hash === inDoubt.hash) return written(inDoubt, 'hierarchical');
  return order < 0 && mayStillArrive ? { kind: 'repeat' } : { kind: 'did-not-arrive' };
}

function isAbsent(stored: StoredRecord | null): boolean {
  return stored === null || stored.state === 'tombstone';
}

function written(record: TargetRecord | null, servedFrom: RecordOrigin): Attempt<GatewayWrite> {
  return { kind: 'done', outcome: { kind: 'written', version: record?.version ?? null, servedFrom } };
}

function again(delayMs: number): { readonly kind: 'again'; readonly delayMs: number } {
  return { kind: 'again', delayMs };
}

function unknownOutcome(): GatewayWrite {
  return {
    kind: 'unknown',
    message: 'the reply to the write was lost; read the record to see what it holds',
  };
}

/** Doubles from 5 ms to 320 ms, with full jitter so that two writers do not meet again. */
function backoffMs(attempts: number, jitter: number): number {
  return 1 + 5 * 2 ** Math.min(attempts - 1, 6) * jitter;
}
