import { HalError } from '../kernel/errors.ts';
import { admitsNewer } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { encodeKey, recordPk } from '../migration/key.ts';
import type { FlatAuthority, SourceImage } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { FlatRow, KeyPart, RecordKey } from '../migration/row.ts';
import { categoriesOf, tableOf, type MigratedTable } from '../migration/table-lookup.ts';
import { compareKeyParts } from './key-order.ts';

interface FlatLogEntry {
  readonly sequence: number;
  readonly epoch: number;
  readonly key: RecordKey;
}

/** A flat database: tables, and once installed, change log, fences and versions as triggers would keep them. */
export interface FlatStore {
  readonly definition: MigrationDefinition;
  installed: boolean;
  /** Rows by record type and encoded key. */
  readonly tables: Map<string, FlatTable>;
  lastSequence: number;
  readonly logs: Map<Category, FlatLogEntry[]>;
  readonly authorities: Map<Category, FlatAuthority>;
  /** Version of the newest change of each key, logged or applied in reverse. */
  readonly versions: Map<string, RecordVersion>;
}

export interface FlatTable {
  readonly rows: Map<string, { readonly keyParts: readonly KeyPart[]; readonly row: FlatRow }>;
  /** Encoded keys in primary key order; null after a change of the set of keys. */
  order: string[] | null;
}

export function makeFlatStore(definition: MigrationDefinition): FlatStore {
  const tables = definition.tables.map(({ recordType }): [string, FlatTable] => [
    recordType,
    { rows: new Map(), order: null },
  ]);
  const categories = categoriesOf(definition);
  return {
    definition,
    installed: false,
    tables: new Map(tables),
    lastSequence: 0,
    logs: new Map(categories.map((category) => [category, []])),
    authorities: new Map(categories.map((category) => [category, { epoch: 1, state: 'open' }])),
    versions: new Map(),
  };
}

/** Throws TypeError when a key column holds neither text nor integer. */
function keyPartsOf(table: MigratedTable, row: FlatRow): readonly KeyPart[] {
  return table.keyColumns.map((column) => {
    const value = row[column];
    if (typeof value === 'string' || typeof value === 'bigint') return value;
    throw new TypeError(`${table.table}.${column} is no key part`);
  });
}

export function keyOfRow(table: MigratedTable, row: FlatRow): RecordKey {
  return { recordType: table.recordType, id: encodeKey(keyPartsOf(table, row)) };
}

export function flatTable(store: FlatStore, recordType: string): FlatTable {
  const table = store.tables.get(recordType);
  if (table === undefined) throw new RangeError(`no table of ${recordType}`);
  return table;
}

export function flatAuthority(store: FlatStore, category: Category): FlatAuthority {
  return store.authorities.get(category) ?? { epoch: 1, state: 'open' };
}

export function lowWatermarkOf(store: FlatStore, category: Category): RecordVersion {
  return { epoch: flatAuthority(store, category).epoch, sequence: store.lastSequence };
}

/** Last logged version of one category; sequence 0 when nothing was logged. */
export function lastVersionOf(store: FlatStore, category: Category): RecordVersion {
  const last = store.logs.get(category)?.at(-1);
  return { epoch: flatAuthority(store, category).epoch, sequence: last?.sequence ?? 0 };
}

/** What any writer does to a table, legacy ones included: the fence refuses, the log records. */
export function writeRow(store: FlatStore, table: MigratedTable, id: string, row: FlatRow | null): void {
  if (row !== null && keyOfRow(table, row).id !== id) {
    throw new TypeError(`the row is not that of ${table.recordType} ${id}`);
  }
  const authority = flatAuthority(store, table.category);
  if (store.installed && authority.state !== 'open') {
    throw new HalError({
      name: 'CategoryFenced',
      message: `writes to ${table.category} are fenced at epoch ${authority.epoch}`,
      remedy: 'write through the state gateway',
      exit: 'conflict',
    });
  }
  if (!setRow(store, table, id, row) || !store.installed) return;
  logChange(store, table, { recordType: table.recordType, id });
}

/** Stores without fence and log; false when there was nothing to delete. */
export function setRow(store: FlatStore, table: MigratedTable, id: string, row: FlatRow | null): boolean {
  const stored = flatTable(store, table.recordType);
  if (row === null) {
    if (!stored.rows.delete(id)) return false;
    stored.order = null;
    return true;
  }
  if (!stored.rows.has(id)) stored.order = null;
  stored.rows.set(id, { keyParts: keyPartsOf(table, row), row });
  return true;
}

export function orderedKeys(table: FlatTable): readonly string[] {
  table.order ??= [...table.rows.entries()]
    .toSorted(([, left], [, right]) => compareKeyParts(left.keyParts, right.keyParts))
    .map(([id]) => id);
  return table.order;
}

export function imageOf(store: FlatStore, key: RecordKey, keyParts: readonly KeyPart[]): SourceImage {
  const { category } = tableOf(store.definition, key.recordType);
  const row = flatTable(store, key.recordType).rows.get(key.id)?.row ?? null;
  const version = store.logs.has(category) ? (store.versions.get(recordPk(key)) ?? null) : null;
  return { key, keyParts, row, version };
}

/** Raises the version of a key; false when it already has that version or a newer one. */
export function raiseVersion(store: FlatStore, key: RecordKey, version: RecordVersion): boolean {
  if (!admitsNewer(store.versions.get(recordPk(key)) ?? null, version)) return false;
  store.versions.set(recordPk(key), version);
  return true;
}

function logChange(store: FlatStore, table: MigratedTable, key: RecordKey): void {
  store.lastSequence += 1;
  const { epoch } = flatAuthority(store, table.category);
  store.logs.get(table.category)?.push({ sequence: store.lastSequence, epoch, key });
  raiseVersion(store, key, { epoch, sequence: store.lastSequence });
}
