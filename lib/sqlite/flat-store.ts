import { HalError } from '../kernel/errors.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { tableOf } from '../migration/table-lookup.ts';
import type { Connection } from './connection.ts';
import { checkInstallation, installChangeLog, type Installation } from './install-change-log.ts';
import type { TableLayout } from './table-layout.ts';

/** What a transaction knows about the schema that it sees. */
export interface StoreView {
  readonly installation: Exclude<Installation, 'outdated'>;
  /** null where the store has no such table, which its mapping allows. */
  layout(recordType: string): TableLayout | null;
}

/** Transactions over a flat store whose schema may change at any time. */
export interface FlatStore {
  readonly connection: Connection;
  readonly definition: MigrationDefinition;
  read<Result>(effect: (view: StoreView) => Result): Result;
  write<Result>(effect: (view: StoreView) => Result): Result;
}

/** Schema changes that may come between an installation and the transaction that needs it. */
const maxReinstallations = 5;

/**
 * Every transaction first looks whether the schema is the one that it knows. After a change that touched our triggers
 * or the columns of a table, the change log is rebuilt before anything else is read or written.
 */
export function makeFlatStore(connection: Connection, definition: MigrationDefinition): FlatStore {
  let known: { readonly schemaVersion: unknown; readonly view: StoreView } | null = null;

  const currentView = (): StoreView | null => {
    const schemaVersion = connection.first('PRAGMA schema_version')?.[0];
    if (known !== null && known.schemaVersion === schemaVersion) return known.view;
    const { installation, layouts } = checkInstallation(connection, definition);
    if (installation === 'outdated') return null;
    const view = { installation, layout: (recordType: string) => layoutOf(definition, layouts, recordType) };
    known = { schemaVersion, view };
    return view;
  };

  const transaction = <Result>(kind: 'snapshot' | 'write', effect: (view: StoreView) => Result): Result => {
    for (let attempt = 0; attempt <= maxReinstallations; attempt += 1) {
      const outcome = connection[kind](() => {
        const view = currentView();
        return view === null ? null : { result: effect(view) };
      });
      if (outcome !== null) return outcome.result;
      installChangeLog(connection, definition);
    }
    throw schemaUnstable(connection.path);
  };

  return {
    connection,
    definition,
    read: (effect) => transaction('snapshot', effect),
    write: (effect) => transaction('write', effect),
  };
}

/** Throws HalError `ChangeLogMissing`. */
export function requireChangeLog(store: FlatStore, view: StoreView): void {
  if (view.installation === 'installed') return;
  throw new HalError({
    name: 'ChangeLogMissing',
    message: `The flat store ${store.connection.path} has no change log yet.`,
    remedy: 'Prepare the source first: the phase state-migration does, as does `hal9-migrate state migrate`.',
    exit: 'conflict',
    facts: { path: store.connection.path },
  });
}

/** The table that a row is written to. Throws HalError `TableAbsent`. */
export function requireTable(store: FlatStore, view: StoreView, recordType: string): TableLayout {
  const layout = view.layout(recordType);
  if (layout !== null) return layout;
  const { path } = store.connection;
  const { table } = tableOf(store.definition, recordType);
  throw new HalError({
    name: 'TableAbsent',
    message: `The flat store ${path} has no table ${table}, so that it cannot hold a ${recordType}.`,
    remedy: `Create the table ${table}, or leave the record out.`,
    exit: 'conflict',
    facts: { path, table, recordType },
  });
}

function layoutOf(
  definition: MigrationDefinition,
  layouts: ReadonlyMap<string, TableLayout>,
  recordType: string,
): TableLayout | null {
  return layouts.get(tableOf(definition, recordType).recordType) ?? null;
}

function schemaUnstable(path: string): HalError {
  return new HalError({
    name: 'SchemaUnstable',
    message: `The schema of the flat store ${path} keeps changing.`,
    remedy: 'Finish the schema changes, then run the command again.',
    exit: 'unavailable',
    facts: { path },
  });
}
