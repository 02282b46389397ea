import type { RecordVersion } from '../migration/record.ts';
import type { Horizon } from './change-log.ts';
import type { Database, Session } from './connection.ts';
import { qualified } from './names.ts';
import { keyColumnNames } from './own-names.ts';

/** The log, as one snapshot of the rows must see it: decoded for everything that the snapshot shows. */
export interface LogView {
  readonly session: Session;
  readonly horizon: Horizon;
  /** Versions of keys, given by their texts, by the entries whose changes the snapshot shows. */
  versionsOf(
    recordType: string,
    keys: readonly (readonly string[])[],
  ): Promise<readonly (RecordVersion | null)[]>;
}

/** Times that the write-ahead log may be found unwritten, each time after a commit that has it written. */
const maxFlushes = 20;

/**
 * Decodes until nothing that was committed up to `position` is missing. Within the caller's transaction when that is
 * one that keeps writers out; `aside` has the write-ahead log written to disk.
 */
async function decodeUpTo(
  session: Session,
  aside: Database,
  { schema }: Pick<Database, 'schema'>,
  position: string,
): Promise<void> {
  for (let flushes = 0; flushes < maxFlushes; flushes += 1) {
    const found = await session.first(
      `SELECT (${qualified(schema, '_mig_decode')}($1::pg_lsn) >= $1::pg_lsn)::text`,
      [position],
    );
    if (found?.[0] === 'true') return;
    await aside.script(
      "BEGIN; SET LOCAL synchronous_commit TO local; SELECT pg_logical_emit_message(true, 'hal9-migrate', ''); COMMIT",
    );
  }
  throw new Error(`the write-ahead log is not written up to ${position}`);
}

/** Decodes everything that was committed before this statement. */
export async function decodeNow(
  session: Session,
  aside: Database,
  store: Pick<Database, 'schema'>,
): Promise<void> {
  const found = await session.first('SELECT pg_current_wal_insert_lsn()::text');
  await decodeUpTo(session, aside, store, found?.[0] ?? '');
}

/**
 * `rows` is inside its snapshot, which does not see what is decoded after it: the log is read on another connection,
 * entry by entry only where the snapshot shows the transaction of the entry. A transaction may be in the write-ahead
 * log before snapshots show it; the horizon ends before the first of these.
 */
export async function viewDecodedLog(rows: Session, aside: Database): Promise<LogView> {
  const { schema } = aside;
  const found = await rows.first('SELECT pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text');
  const [snapshot, position] = [found?.[0] ?? '', found?.[1] ?? ''];
  await decodeUpTo(aside, aside, aside, position);
  const ends = await aside.first(
    `SELECT d.last_seq, (SELECT min(g.seq) FROM ${qualified(schema, '_mig_log')} g
       WHERE g.xid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(g.xid, $1::pg_snapshot))
     FROM ${qualified(schema, '_mig_decoding')} d`,
    [snapshot],
  );
  const given = Number(ends?.[0] ?? 0);
  const unseen = ends?.[1] ?? null;
  return {
    session: aside,
    horizon: { given, settled: unseen === null ? given : Math.min(given, Number(unseen) - 1) },
    versionsOf: (recordType, keys) => versionsIn(aside, snapshot, recordType, keys),
  };
}

async function versionsIn(
  aside: Database,
  snapshot: string,
  recordType: string,
  keys: readonly (readonly string[])[],
): Promise<readonly (RecordVersion | null)[]> {
  if (keys.length === 0) return [];
  const arrays = keyColumnNames.map((_, part) => keys.map((texts) => texts[part] ?? ''));
  const isKey = keyColumnNames.map((name) => `v.${name} = q.${name}`).join(' AND ');
  const found = await aside.all(
    `SELECT (SELECT v.epoch || '.' || v.seq FROM ${qualified(aside.schema, '_mig_log')} v
       WHERE v.record_type = $1 AND ${isKey} AND pg_visible_in_snapshot(v.xid, $2::pg_snapshot)
       ORDER BY v.seq DESC LIMIT 1)
     FROM unnest(${arrays.map((_, at) => `$${at + 3}::text[]`).join(', ')})
       WITH ORDINALITY AS q(${keyColumnNames.join(', ')}, at) ORDER BY q.at`,
    [recordType, snapshot, ...arrays],
  );
  return found.map(([text]) => {
    if (text === null || text === undefined) return null;
    const [epoch, sequence] = text.split('.');
    return { epoch: Number(epoch), sequence: Number(sequence) };
  });
}
