import type { MigrationDefinition } from '../migration/definition.ts';
import { categoriesOf } from '../migration/table-lookup.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { readAuthority } from './change-log.ts';
import {
  flushRelog,
  ownFunctions,
  ownTables,
  logSequence,
  relogTable,
  tableTriggers,
  type LogDestination,
} from './change-log-ddl.ts';
import { checkQueries, checkRowQueries } from './check-queries.ts';
import type { Database, Session } from './connection.ts';
import { decodingFunctions, decodingTables } from './decoding-ddl.ts';
import { checkedLayouts, keyFaults } from './inspect-tables.ts';
import { qualified, quoteText } from './names.ts';
import { ownPrefix } from './own-names.ts';
import { requirePrivileges } from './privileges.ts';
import { createSlot, dropSlot, readSlot, type Slot } from './replication-slot.ts';
import {
  addedPartitions,
  layoutOfCatalog,
  readCatalog,
  type StoreLayout,
  type TableLayout,
} from './table-layout.ts';

export type Installation = 'missing' | 'installed' | 'outdated';

/** How long an installation waits for the writers of the tables, in milliseconds; nobody can write meanwhile. */
const lockTimeoutMs = 10_000;

/**
 * Compares what should be there with what is. `outdated` after any change of a table's columns or unique indexes and
 * after the loss of a trigger. Throws HalError `SourceRejected` when a table no longer fits the definition.
 */
export async function checkInstallation(
  session: Session,
  store: Pick<Database, 'place' | 'schema'> & { readonly definition: MigrationDefinition },
  layout: StoreLayout,
): Promise<{ readonly installation: Installation; readonly layouts: ReadonlyMap<string, TableLayout> }> {
  const layouts = checkedLayouts(store.place, layout, store.definition);
  if (!layout.ownTables.includes('_mig_schema')) return { installation: 'missing', layouts };
  if (!layout.ownTables.includes('_mig_log')) return { installation: 'outdated', layouts };
  await refuseLostTables(session, store, layout);
  const outdated = await outdatedTypes(session, store.schema, layout);
  return { installation: outdated.size === 0 ? 'installed' : 'outdated', layouts };
}

/**
 * Installs or renews everything in one transaction that keeps writers out, so that no write goes unlogged between the
 * old triggers and the new ones. Rows of a table that was changed (or that lost its triggers) are logged again.
 */
export async function installChangeLog(database: Database, definition: MigrationDefinition): Promise<void> {
  // One installation at a time, from the slot to the triggers. Without a transaction number: a new slot waits for those.
  await database.aside.transaction('BEGIN', async (session) => {
    await session.all(
      `SELECT pg_advisory_xact_lock(hashtextextended(${quoteText(`hal9-migrate/slot/${database.schema}`)}, 0))`,
    );
    const slot = await slotToInstall(database, definition);
    try {
      await installWith(database, definition, slot);
    } catch (error) {
      if (slot !== 'as it is' && slot !== null) {
        await dropSlot(database, slot.slot, slot.publication).catch(() => undefined);
      }
      throw error;
    }
  });
}

type SlotChoice = Slot | null | 'as it is';

/** Chosen at the first installation; a slot that was lost is replaced. */
async function slotToInstall(database: Database, definition: MigrationDefinition): Promise<SlotChoice> {
  const { schema } = database;
  const { ownTables: present } = layoutOfCatalog(
    await readCatalog(database, schema, definition),
    schema,
    definition,
  );
  if (!present.includes('_mig_schema')) return await createSlot(database);
  if (!present.includes('_mig_decoding')) return 'as it is';
  return (await readSlot(database, schema))?.isLost === false ? 'as it is' : await createSlot(database);
}

async function installWith(
  database: Database,
  definition: MigrationDefinition,
  slot: SlotChoice,
): Promise<void> {
  const { place, schema } = database;
  await database.transaction(`BEGIN; SET LOCAL lock_timeout = ${lockTimeoutMs}`, async (session) => {
    const read = async (): Promise<StoreLayout> =>
      layoutOfCatalog(await readCatalog(session, schema, definition), schema, definition);
    const before = checkedLayouts(place, await read(), definition);
    await requirePrivileges(session, database, before);
    // Two installations at once would meet in the catalog.
    await session.all(
      `SELECT pg_advisory_xact_lock(hashtextextended(${quoteText(`hal9-migrate/${schema}`)}, 0))`,
    );
    const names = [...before.values()].map(({ from }) => from);
    await session.script(`LOCK TABLE ${names.join(', ')} IN SHARE ROW EXCLUSIVE MODE`);
    const present = await read();
    const layouts = checkedLayouts(place, present, definition);
    await checkQueries(session, database, layouts.values());
    await checkRowQueries(session, database, layouts.values());
    const isFirst = !present.ownTables.includes('_mig_schema');
    if (!isFirst) await refuseLostTables(session, { place, schema, definition }, present);
    if (isFirst) await refuseWrongKeys(session, place, layouts);
    await session.script(ownTables(schema));
    if (!isFirst) {
      const isLogLost = !present.ownTables.includes('_mig_log');
      await goOnAfterLoss(session, schema, { isLogLost, slot });
    }
    const to = await chooseDestination(session, schema, { slot, isDecoded: present.isDecoded });
    for (const category of categoriesOf(definition)) {
      await session.run(
        `INSERT INTO ${qualified(schema, '_mig_authority')} (category, epoch, state) VALUES ($1, 1, 'open')
         ON CONFLICT DO NOTHING`,
        [category],
      );
    }
    const outdated = await outdatedTypes(session, schema, present);
    if (outdated.size === 0) return;
    await renew(session, schema, { layouts, outdated, isFirst, to });
    // Last, when no reader holds a table any more: one that does waits for a decoder, which reads this.
    if (slot === null) await session.script(`DROP TABLE IF EXISTS ${qualified(schema, '_mig_decoding')}`);
    const after = await read();
    for (const recordType of outdated.keys()) {
      await session.run(
        `INSERT INTO ${qualified(schema, '_mig_schema')} (record_type, fingerprint) VALUES ($1, $2)
         ON CONFLICT (record_type) DO UPDATE SET fingerprint = excluded.fingerprint`,
        [recordType, after.fingerprints.get(recordType) ?? ''],
      );
    }
    for (const category of categoriesOf(definition)) await flush(session, schema, category, to);
  });
}

/** Takes everything of ours out of a store, with whatever an earlier migration left of its authority and versions. */
export async function removeChangeLog(database: Database, definition: MigrationDefinition): Promise<void> {
  const { schema } = database;
  const layout = layoutOfCatalog(await readCatalog(database, schema, definition), schema, definition);
  const slot = layout.isDecoded ? await readSlot(database, schema) : null;
  await database.transaction('BEGIN', async (session) => {
    const functions = await session.all(
      `SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = $1 AND starts_with(p.proname::text, $2)`,
      [schema, ownPrefix],
    );
    // Their triggers depend on them.
    for (const [name] of functions) await session.script(`DROP FUNCTION ${String(name)} CASCADE`);
    const { ownTables: tables } = layoutOfCatalog(
      await readCatalog(session, schema, definition),
      schema,
      definition,
    );
    for (const name of tables) await session.script(`DROP TABLE ${qualified(schema, name)}`);
  });
  if (slot !== null) await dropSlot(database, slot.slot, slot.publication);
}

/** Logs what waited for its category to be open; does nothing while it is not. */
export async function flush(
  session: Session,
  schema: string,
  category: string,
  to: LogDestination,
): Promise<void> {
  const { state } = await readAuthority(session, schema, category);
  if (state !== 'open') return;
  const waiting = await session.first(
    `SELECT 1 FROM ${qualified(schema, '_mig_relog')} WHERE category = $1 LIMIT 1`,
    [category],
  );
  if (waiting === undefined) return;
  for (const statement of flushRelog(schema, category, to)) await session.run(statement);
}

/** A table that may be absent, and was there when its changes began to be logged: its rows cannot have been none. */
async function refuseLostTables(
  session: Session,
  {
    place,
    schema,
    definition,
  }: Pick<Database, 'place' | 'schema'> & { readonly definition: MigrationDefinition },
  { layouts }: StoreLayout,
): Promise<void> {
  const logged = await session.all(`SELECT record_type FROM ${qualified(schema, '_mig_schema')}`);
  const lost = logged.flatMap(([recordType]) =>
    definition.tables.filter((table) => table.recordType === recordType && !layouts.get(table.recordType)),
  );
  const faults = lost.map(
    ({ table }) => `table ${table} is missing, which was there when the migration began`,
  );
  if (faults.length > 0) throw sourceRejected(place, faults);
}

/** By record type the partitions that came, where nothing else has changed. */
type Outdated = ReadonlyMap<string, readonly string[] | null>;

async function outdatedTypes(
  session: Session,
  schema: string,
  { ownTables: present, fingerprints, layouts }: StoreLayout,
): Promise<Outdated> {
  const stored = present.includes('_mig_schema')
    ? await session.all(`SELECT record_type, fingerprint FROM ${qualified(schema, '_mig_schema')}`)
    : [];
  const known = new Map(stored.map(([recordType, fingerprint]) => [recordType, fingerprint]));
  return new Map(
    [...fingerprints]
      .filter(([recordType]) => (layouts.get(recordType) ?? null) !== null)
      .filter(([recordType, fingerprint]) => known.get(recordType) !== fingerprint)
      .map(([recordType, fingerprint]) => [
        recordType,
        addedPartitions(known.get(recordType) ?? '', fingerprint),
      ]),
  );
}

async function renew(
  session: Session,
  schema: string,
  {
    layouts,
    outdated,
    isFirst,
    to,
  }: {
    readonly layouts: ReadonlyMap<string, TableLayout>;
    readonly outdated: Outdated;
    readonly isFirst: boolean;
    readonly to: LogDestination;
  },
): Promise<void> {
  const decoding = to === 'table' ? [] : decodingFunctions(schema);
  for (const statement of [...decoding, ...ownFunctions(schema, to)]) await session.script(statement);
  const present = [...layouts.values()].map(({ table }) => table);
  for (const layout of layouts.values()) {
    for (const statement of tableTriggers(schema, layout, present, to)) await session.script(statement);
  }
  // A table that came later was not there to be copied: its rows go through the log.
  if (isFirst) return;
  for (const [recordType, partitions] of outdated) {
    const layout = layouts.get(recordType);
    if (layout === undefined) continue;
    for (const statement of relogTable(schema, layout, partitions ?? undefined)) await session.run(statement);
  }
}

async function chooseDestination(
  session: Session,
  schema: string,
  { slot, isDecoded }: { readonly slot: SlotChoice; readonly isDecoded: boolean },
): Promise<LogDestination> {
  if (slot === 'as it is') return isDecoded ? 'write-ahead log' : 'table';
  await useSlot(session, schema, slot);
  return slot === null ? 'table' : 'write-ahead log';
}

/** Without a slot triggers write the log. Whatever was not read through an earlier one is logged again. */
async function useSlot(session: Session, schema: string, slot: Slot | null): Promise<void> {
  if (slot !== null) {
    await session.script(decodingTables(schema));
    await session.run(`DELETE FROM ${qualified(schema, '_mig_decoding')}`);
    await session.run(
      `INSERT INTO ${qualified(schema, '_mig_decoding')} (slot, publication, lock, decoded, last_seq)
       SELECT $1, $2, $3::int, $4::pg_lsn, CASE WHEN is_called THEN last_value ELSE 0 END FROM ${logSequence(schema)}`,
      [slot.slot, slot.publication, String(slot.lock), slot.from],
    );
  }
  await session.run(`UPDATE ${qualified(schema, '_mig_schema')} SET fingerprint = 'log lost'`);
}

/**
 * Somebody dropped the log, and its sequence with it. Sequences go on from the time in milliseconds, which is beyond
 * every one that was given, and every row is logged again for the entries that nobody read.
 */
async function startLogAnew(session: Session, schema: string): Promise<void> {
  await session.all(
    `SELECT setval(${quoteText(logSequence(schema))}::regclass, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)`,
  );
  await session.run(`UPDATE ${qualified(schema, '_mig_schema')} SET fingerprint = 'log lost'`);
}

async function goOnAfterLoss(
  session: Session,
  schema: string,
  { isLogLost, slot }: { readonly isLogLost: boolean; readonly slot: SlotChoice },
): Promise<void> {
  if (isLogLost) await startLogAnew(session, schema);
  if (isLogLost || slot !== 'as it is') await noteGap(session, schema);
}

/**
 * Every row is logged once more, but nobody can log what was deleted unlogged. The sequence is one that no reader has
 * seen: whoever began at it or later began after this. Where flat follows nobody could delete.
 */
async function noteGap(session: Session, schema: string): Promise<void> {
  await session.run(
    `INSERT INTO ${qualified(schema, '_mig_gap')} (category, seq)
     SELECT a.category, g.seq FROM (SELECT nextval(${quoteText(logSequence(schema))}::regclass) AS seq) AS g,
       ${qualified(schema, '_mig_authority')} AS a WHERE a.state <> 'following'
     ON CONFLICT (category) DO UPDATE SET seq = excluded.seq`,
  );
}

async function refuseWrongKeys(
  session: Session,
  place: string,
  layouts: ReadonlyMap<string, TableLayout>,
): Promise<void> {
  const faults: string[] = [];
  for (const layout of layouts.values()) faults.push(...(await keyFaults(session, layout)));
  if (faults.length > 0) throw sourceRejected(place, faults);
}
