import type { HeldLog } from '../migration/ports.ts';
import type { Database, Session } from './connection.ts';
import { decodingNames } from './decoding-ddl.ts';
import { stateOf } from './faults.ts';
import { qualified, quoteName } from './names.ts';

export interface Slot {
  readonly slot: string;
  readonly publication: string;
  readonly lock: number;
  /** Everything that is committed from here on is kept for its reader. */
  readonly from: string;
}

/** How long the first position waits for the transactions of all databases that are under way, in milliseconds. */
const slotTimeoutMs = 5_000;

/**
 * A slot from which the log can be decoded; null where the server keeps no logical write-ahead log, or does not let
 * this user have one, or is too busy to give one: triggers write the log then. The publication is empty, so that
 * nothing but our messages is sent; it is older than the slot, since it is looked up as it was at each change.
 */
export async function createSlot(database: Database): Promise<Slot | null> {
  const found = await database.first(
    `SELECT current_setting('wal_level'), current_database()::text, pg_is_in_recovery()::text`,
  );
  const [walLevel, name, isStandby] = found ?? [];
  if (walLevel !== 'logical' || isStandby === 'true') return null;
  const { slot, publication, lock } = decodingNames(name ?? '', database.schema);
  try {
    await dropSlot(database, slot, publication);
    await database.run(`CREATE PUBLICATION ${quoteName(publication)}`);
    const created = await database.transaction(
      `BEGIN; SET LOCAL statement_timeout = ${slotTimeoutMs}`,
      (session) =>
        session.first("SELECT lsn::text FROM pg_create_logical_replication_slot($1, 'pgoutput')", [slot]),
    );
    return { slot, publication, lock, from: created?.[0] ?? '' };
  } catch (error) {
    if (!cannotDecode.includes(stateOf(error) ?? '')) throw error;
    await dropSlot(database, slot, publication).catch(() => undefined);
    return null;
  }
}

/** No privilege, no slot left, no such plugin, not now. */
const cannotDecode = ['42501', '53400', '58P01', '55000', '57014', '0A000'];

/** A slot that nobody reads any more would hold the disk full. */
export async function dropSlot(session: Session, slot: string, publication: string): Promise<void> {
  await session.all(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()',
    [slot],
  );
  await session.run(`DROP PUBLICATION IF EXISTS ${quoteName(publication)}`);
}

/** The slot of a store, whether it can still be read or not. */
export async function readSlot(
  session: Session,
  schema: string,
): Promise<{ readonly slot: string; readonly publication: string; readonly isLost: boolean } | null> {
  const found = await session.first(
    `SELECT d.slot, d.publication, (s.slot_name IS NULL OR s.wal_status = 'lost' OR s.confirmed_flush_lsn > d.decoded)::text
     FROM ${qualified(schema, '_mig_decoding')} d
     LEFT JOIN pg_replication_slots s ON s.slot_name = d.slot AND s.database = current_database()`,
  );
  if (found === undefined) return null;
  const [slot, publication, isLost] = found;
  return { slot: slot ?? '', publication: publication ?? '', isLost: isLost === 'true' };
}

/** How much of the write-ahead log the server keeps for the slot. */
export async function readHeldLog(session: Session, schema: string): Promise<HeldLog | null> {
  const found = await session.first(
    `SELECT d.slot, pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint::text, s.safe_wal_size::text,
       coalesce(s.wal_status, 'lost')
     FROM ${qualified(schema, '_mig_decoding')} d
     LEFT JOIN pg_replication_slots s ON s.slot_name = d.slot AND s.database = current_database()`,
  );
  if (found === undefined) return null;
  const [slot, held, room, status] = found;
  return {
    slot: slot ?? '',
    heldBytes: Number(held ?? 0),
    roomBytes: room === null || room === undefined ? null : Number(room),
    isLost: status === 'lost',
  };
}
