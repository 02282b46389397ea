import { HalError } from '../kernel/errors.ts';
import type { Category } from '../migration/category.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { readHorizon, type Horizon } from './change-log.ts';
import type { LogDestination } from './change-log-ddl.ts';
import { checkQueries } from './check-queries.ts';
import type { Database, Session } from './connection.ts';
import { viewDecodedLog, type LogView } from './decoded-log.ts';
import { stateOf } from './faults.ts';
import { checkedLayouts } from './inspect-tables.ts';
import { checkInstallation, installChangeLog, type Installation } from './install-change-log.ts';
import { qualified } from './names.ts';
import { requireReadable } from './privileges.ts';
import { layoutOfCatalog, readCatalog, type TableLayout } from './table-layout.ts';

/** What a transaction knows about the schema that it sees. */
export interface StoreView {
  readonly session: Session;
  readonly installation: Exclude<Installation, 'outdated'>;
  readonly to: LogDestination;
  /** What has settled for this snapshot; zeros without a change log, and in writes. */
  readonly horizon: Horizon;
  /** The change log as it goes with this snapshot. */
  readonly log: Pick<LogView, 'session'> & Partial<LogView>;
  /** null where the store has no such table, which its mapping allows. */
  layout(recordType: string): TableLayout | null;
}

type SchemaView = Pick<StoreView, 'installation' | 'layout' | 'to'>;

/** Transactions over a flat store whose schema may change at any time. */
export interface FlatStore {
  readonly database: Database;
  readonly definition: MigrationDefinition;
  /** One snapshot. `category` is the one whose horizon is wanted. */
  read<Result>(category: Category, effect: (view: StoreView) => Promise<Result>): Promise<Result>;
  /** A transaction in which each statement sees what was committed before it. */
  write<Result>(effect: (view: StoreView) => Promise<Result>): Promise<Result>;
}

/** Schema changes that may come between an installation and the transaction that needs it. */
const maxReinstallations = 5;

/** How long a transaction waits for a change of the schema, or for writers that it keeps out, in milliseconds. */
const readLockTimeoutMs = 30_000;
const writeLockTimeoutMs = 2_000;

/**
 * Every transaction first looks whether the schema is the one that it knows. After a change that touched our triggers
 * or the columns of a table, the change log is rebuilt before anything else is read or written.
 */
export function makeFlatStore(database: Database, definition: MigrationDefinition): FlatStore {
  const { place, schema } = database;
  let known: { readonly catalog: string; readonly view: SchemaView } | null = null;
  let present: readonly string[] | null = null;
  // Held before the snapshot: a table that is rewritten or emptied after it would look empty in it.
  const locking = (timeoutMs: number): string => {
    const names = (present ?? []).map((table) => qualified(schema, table)).join(', ');
    const lock = names === '' ? '' : `; LOCK TABLE ${names} IN ACCESS SHARE MODE`;
    return `SET LOCAL lock_timeout = ${timeoutMs}${lock}`;
  };

  const currentView = async (session: Session): Promise<SchemaView | 'outdated' | 'again'> => {
    const cells = await readCatalog(session, schema, definition);
    const tables = tablesIn(cells);
    if (present?.join('\n') !== tables.join('\n')) {
      present = tables;
      return 'again';
    }
    const catalog = JSON.stringify(cells);
    if (known?.catalog === catalog) return known.view;
    const layout = layoutOfCatalog(cells, schema, definition);
    const { installation, layouts } = await checkInstallation(session, { place, schema, definition }, layout);
    if (installation === 'outdated') return 'outdated';
    const to = layout.isDecoded ? 'write-ahead log' : 'table';
    const view: SchemaView = { installation, to, layout: (recordType) => layouts.get(recordType) ?? null };
    known = { catalog, view };
    return view;
  };

  /** What is wrong when the tables cannot even be locked. Returns when that is over. */
  const explain = async (error: unknown): Promise<void> => {
    const state = stateOf(error);
    if (state === '42501') {
      const names = definition.tables.map(({ table }) => table);
      await database.transaction('BEGIN', (session) => requireReadable(session, database, names));
      throw error;
    }
    if (state !== '42P01' && state !== '42703' && state !== '42809' && state !== '3F000') throw error;
    present = null;
    await database.transaction('BEGIN', async (session) => {
      const layout = layoutOfCatalog(await readCatalog(session, schema, definition), schema, definition);
      const layouts = checkedLayouts(place, layout, definition);
      await checkQueries(session, database, layouts.values());
    });
  };

  const transaction = async <Result>(
    begin: () => string,
    horizonOf: Category | null,
    effect: (view: StoreView) => Promise<Result>,
  ): Promise<Result> => {
    for (let attempt = 0; attempt <= maxReinstallations; attempt += 1) {
      const isDecoded = known?.view.to === 'write-ahead log';
      const horizon = horizonOf === null || isDecoded ? noHorizon : await horizonOrNull(database, horizonOf);
      let outcome: { readonly result: Result } | 'outdated' | 'again';
      try {
        outcome = await database.transaction(begin(), async (session) => {
          const view = await currentView(session);
          if (typeof view === 'string') return view;
          if (view.installation !== 'installed' || horizonOf === null) {
            return { result: await effect({ session, ...view, horizon: noHorizon, log: { session } }) };
          }
          if (view.to === 'write-ahead log') {
            const log = await viewDecodedLog(session, database.aside);
            return { result: await effect({ session, ...view, horizon: log.horizon, log }) };
          }
          // Asked before the snapshot, or it says nothing about it.
          if (horizon === null || isDecoded) return 'again';
          return { result: await effect({ session, ...view, horizon, log: { session } }) };
        });
      } catch (error) {
        await explain(error);
        outcome = 'again';
      }
      if (typeof outcome === 'object') return outcome.result;
      if (outcome === 'outdated') await installChangeLog(database, definition);
    }
    throw schemaUnstable(place);
  };

  return {
    database,
    definition,
    read: (category, effect) =>
      transaction(
        () => `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${locking(readLockTimeoutMs)}`,
        category,
        effect,
      ),
    write: (effect) =>
      transaction(() => `BEGIN ISOLATION LEVEL READ COMMITTED; ${locking(writeLockTimeoutMs)}`, null, effect),
  };
}

/** Throws HalError `ChangeLogMissing`. */
export function requireChangeLog(store: FlatStore, view: StoreView): void {
  if (view.installation === 'installed') return;
  const { place } = store.database;
  throw new HalError({
    name: 'ChangeLogMissing',
    message: `The flat store ${place} has no change log yet.`,
    remedy: 'Prepare the source first: the phase state-migration does, as does `hal9-migrate state migrate`.',
    exit: 'conflict',
    facts: { place },
  });
}

const noHorizon: Horizon = { given: 0, settled: 0 };

/** The table that a row is written to. Throws HalError `TableAbsent`. */
export function requireTable(store: FlatStore, view: StoreView, recordType: string): TableLayout {
  const layout = view.layout(recordType);
  if (layout !== null) return layout;
  const { place } = store.database;
  const { table } = tableOf(store.definition, recordType);
  throw new HalError({
    name: 'TableAbsent',
    message: `The flat store ${place} has no table ${table}, so that it cannot hold a ${recordType}.`,
    remedy: `Create the table ${table}, or leave the record out.`,
    exit: 'conflict',
    facts: { place, table, recordType },
  });
}

/** null while there is no change log that could have one. */
async function horizonOrNull(database: Database, category: Category): Promise<Horizon | null> {
  try {
    return await readHorizon(database, database.schema, category);
  } catch (error) {
    const state = stateOf(error);
    if (state === '42883' || state === '42P01' || state === '3F000') return null;
    throw error;
  }
}

/** Names of the tables in a catalog, in whose last row, without a name, our own objects are. */
function tablesIn(catalog: readonly (readonly (string | null)[])[]): readonly string[] {
  return catalog
    .flatMap(([name]) => (name === '' || name === null || name === undefined ? [] : [name]))
    .toSorted();
}

function schemaUnstable(place: string): HalError {
  return new HalError({
    name: 'SchemaUnstable',
    message: `The schema of the flat store ${place} keeps changing.`,
    remedy: 'Finish the schema changes, then run the command again.',
    exit: 'unavailable',
    facts: { place },
  });
}
