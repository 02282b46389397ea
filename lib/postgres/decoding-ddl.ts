import { createHash } from 'node:crypto';

import { keyColumnNames, ownPrefix } from './own-names.ts';
import { slotLostState } from './faults.ts';
import { qualified, quoteText } from './names.ts';

// Where the server keeps a logical write-ahead log, triggers put their entries into that instead of a table, and one
// decoder at a time moves them into `_mig_log`, in the order of the commits.

const keyList = keyColumnNames.join(', ');

/** Names that are unique in the server, of plain characters whatever the schema is called. */
export function decodingNames(database: string, schema: string) {
  const hash = createHash('sha256')
    .update(JSON.stringify([database, schema]))
    .digest();
  const short = hash.toString('hex').slice(0, 16);
  return {
    slot: `hal9_migrate_${short}`,
    publication: `${ownPrefix}${short}`,
    /** Second number of the advisory lock is always 1. */
    lock: hash.readInt32BE(16),
  };
}

/** Marks the messages of one schema. ASCII, since it is converted on its way. */
function messagePrefix(schema: string): string {
  return `hal9-migrate/${createHash('sha256').update(schema).digest('hex').slice(0, 16)}`;
}

export function decodingTables(schema: string): string {
  return `
CREATE TABLE IF NOT EXISTS ${qualified(schema, '_mig_decoding')} (
  slot text PRIMARY KEY, publication text NOT NULL, lock int NOT NULL, decoded pg_lsn NOT NULL, last_seq bigint NOT NULL);
CREATE INDEX IF NOT EXISTS _mig_log_xid ON ${qualified(schema, '_mig_log')} (xid);
`;
}

const header = `LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$`;

/** `M`, flags and position of a message, before its prefix; a zero byte and its length follow that. */
const bytesBeforePrefix = 10;
const bytesAfterPrefix = 5;

export function decodingFunctions(schema: string): readonly string[] {
  const name = (object: string): string => qualified(schema, object);
  const prefix = messagePrefix(schema);
  const content = `substring(o.data FROM ${bytesBeforePrefix + prefix.length + bytesAfterPrefix + 1})`;
  const isOurs = `substring(o.data FROM ${bytesBeforePrefix + 1} FOR ${prefix.length + 1}) = convert_to(${quoteText(prefix)}, 'UTF8') || '\\x00'::bytea`;
  return [
    `CREATE OR REPLACE FUNCTION ${name('_mig_emit')}(
  category text, record_type text, op text, epoch bigint, ${keyColumnNames.map((key) => `${key} text`).join(', ')})
RETURNS void ${header}
BEGIN
  PERFORM pg_logical_emit_message(true, ${quoteText(prefix)},
    json_build_array(pg_current_xact_id()::text, category, record_type, op, epoch, ${keyList})::text);
END $fn$`,
    // Moves what was committed up to a position into the log. What it answers is how far the log is complete, which
    // is less than asked for while the write-ahead log is not yet on disk. The slot is moved on only to what an
    // earlier transaction has committed to the log: nothing is given up before it is kept.
    `CREATE OR REPLACE FUNCTION ${name('_mig_decode')}(upto pg_lsn) RETURNS pg_lsn ${header}
DECLARE
  d record;
  s record;
  reached pg_lsn;
  inserted record;
BEGIN
  SELECT * INTO d FROM ${name('_mig_decoding')};
  IF d.decoded >= upto THEN RETURN d.decoded; END IF;
  PERFORM pg_advisory_xact_lock(d.lock, 1);
  SELECT * INTO d FROM ${name('_mig_decoding')};
  IF d.decoded >= upto THEN RETURN d.decoded; END IF;
  SELECT * INTO s FROM pg_replication_slots WHERE slot_name = d.slot AND database = current_database();
  IF NOT FOUND OR s.wal_status = 'lost' OR s.confirmed_flush_lsn > d.decoded THEN
    RAISE EXCEPTION 'replication slot % %', d.slot,
      CASE WHEN s.slot_name IS NULL THEN 'is gone' WHEN s.wal_status = 'lost' THEN 'was invalidated'
      ELSE 'was moved on by somebody else' END USING ERRCODE = '${slotLostState}';
  END IF;
  reached := least(upto, pg_current_wal_flush_lsn());
  IF d.decoded > s.confirmed_flush_lsn THEN PERFORM pg_replication_slot_advance(d.slot, d.decoded); END IF;
  WITH output AS MATERIALIZED (
    SELECT o.at, o.data, min(o.lsn) FILTER (WHERE get_byte(o.data, 0) = 67)
        OVER (ORDER BY o.at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS ended
    FROM pg_logical_slot_peek_binary_changes(d.slot, upto, NULL,
      'proto_version', '1', 'publication_names', d.publication, 'messages', 'true')
      WITH ORDINALITY AS o(lsn, xid, data, at)),
  entries AS (
    SELECT o.at, o.ended, convert_from(${content}, getdatabaseencoding())::json AS e
    FROM output o WHERE get_byte(o.data, 0) = 77 AND o.ended > d.decoded AND ${isOurs}),
  logged AS (
    INSERT INTO ${name('_mig_log')} (xid, category, record_type, op, epoch, ${keyList})
    SELECT (e->>0)::xid8, e->>1, e->>2, e->>3, (e->>4)::bigint, ${keyColumnNames.map((_, at) => `e->>${at + 5}`).join(', ')}
    FROM entries ORDER BY at RETURNING seq)
  SELECT (SELECT max(seq) FROM logged) AS last, (SELECT max(ended) FROM output) AS ended INTO inserted;
  reached := greatest(reached, d.decoded, inserted.ended);
  -- Without entries there is nothing to keep, until the slot would hold back much for nothing.
  IF inserted.last IS NOT NULL OR reached - d.decoded > 1048576 THEN
    UPDATE ${name('_mig_decoding')} SET decoded = reached, last_seq = greatest(d.last_seq, inserted.last);
  END IF;
  RETURN reached;
END $fn$`,
  ];
}
