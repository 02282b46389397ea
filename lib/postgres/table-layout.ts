import type { MigrationDefinition } from '../migration/definition.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { kindOfType, type ColumnKind } from './column-values.ts';
import type { Session } from './connection.ts';
import { qualified } from './names.ts';

interface StoredColumn {
  readonly name: string;
  readonly type: string;
  readonly kind: ColumnKind;
  readonly notNull: boolean;
  /** Equal means the same bytes; false for collations that take different texts for equal. */
  readonly exact: boolean;
}

export interface UniqueIndex {
  readonly name: string;
  /** Empty when the index is over an expression. */
  readonly columns: readonly string[];
  readonly partial: boolean;
  readonly primary: boolean;
  /** False for a constraint that is checked only at the end of the transaction. */
  readonly immediate: boolean;
}

/** Part of the key that is unique by itself makes the whole key unique. */
export function isKeyIndex({ columns, partial }: UniqueIndex, keyColumns: readonly string[]): boolean {
  return !partial && columns.length > 0 && columns.every((name) => keyColumns.includes(name));
}

/** A table as it is in the database. */
export interface TableLayout {
  readonly table: MigratedTable;
  /** Quoted, with schema. */
  readonly from: string;
  /** A table of its own, in partitions or not: no view, no partition of another table, no children. */
  readonly ordinary: boolean;
  /** Quoted, with schema; each partition at any level. */
  readonly partitions: readonly string[];
  /** Without generated columns, which follow from the others and cannot be written. */
  readonly columns: readonly StoredColumn[];
  readonly uniqueIndexes: readonly UniqueIndex[];
  /** Foreign keys and triggers of others, which a reverse change must not set off. */
  readonly sideEffects: readonly string[];
  readonly owner: string;
  readonly isOwned: boolean;
}

/** What the catalog says about the store, in one snapshot. */
export interface StoreLayout {
  readonly layouts: ReadonlyMap<string, TableLayout | null>;
  /** Changes whenever anything does that our triggers were made for, our own objects included. */
  readonly fingerprints: ReadonlyMap<string, string>;
  readonly ownTables: readonly string[];
  /** The log is decoded from the write-ahead log. */
  readonly isDecoded: boolean;
}

/** The catalog as text, to see cheaply whether it is still what is known. */
export async function readCatalog(
  session: Session,
  schema: string,
  definition: MigrationDefinition,
): Promise<readonly (readonly (string | null)[])[]> {
  return await session.all(catalogSql, [schema, definition.tables.map(({ table }) => table)]);
}

export function layoutOfCatalog(
  catalog: readonly (readonly (string | null)[])[],
  schema: string,
  definition: MigrationDefinition,
): StoreLayout {
  const byName = new Map(catalog.map((cells) => [cells[0] ?? '', cells]));
  const own = parsed(byName.get('')?.[1]) as readonly (readonly [string, string])[];
  const isDecoded = own.some(([name]) => name === '_mig_decoding');
  return {
    layouts: new Map(
      definition.tables.map((table) => {
        const cells = byName.get(table.table);
        return [table.recordType, cells === undefined ? null : layoutOf(cells, schema, table)];
      }),
    ),
    fingerprints: new Map(
      definition.tables.map(({ recordType, table, where = '' }) => [
        recordType,
        fingerprintOf(byName.get(table) ?? null, `${byName.get('')?.[2] ?? ''} ${isDecoded}${where}`),
      ]),
    ),
    ownTables: own.map(([name]) => name),
    isDecoded,
  };
}

function fingerprintOf(cells: readonly (string | null)[] | null, ownFunctions: string): string {
  return JSON.stringify([
    cells?.slice(0, 6) ?? null,
    ownFunctions,
    parsed(cells?.[9]) as Fingerprint[2],
  ] satisfies Fingerprint);
}

type Fingerprint = readonly [
  table: readonly (string | null)[] | null,
  ownFunctions: string,
  partitions: readonly (readonly [name: string, ...unknown[]])[],
];

/**
 * Partitions that came since, when nothing else has changed but which partitions there are and nobody switched off a
 * trigger in those that stayed. null otherwise: any row may have been changed.
 */
export function addedPartitions(before: string, after: string): readonly string[] | null {
  if (!before.startsWith('[')) return null;
  const [past, present] = [before, after].map((text) => JSON.parse(text) as Fingerprint) as [
    Fingerprint,
    Fingerprint,
  ];
  if (JSON.stringify(past.slice(0, 2)) !== JSON.stringify(present.slice(0, 2))) return null;
  const [known, found] = [past[2], present[2]];
  const names = new Set(known.map(([name]) => name));
  const stayed = new Set(known.map((partition) => JSON.stringify(partition)));
  const isChanged = found.some(
    (partition) => names.has(partition[0]) && !stayed.has(JSON.stringify(partition)),
  );
  return isChanged ? null : found.map(([name]) => name).filter((name) => !names.has(name));
}

function layoutOf(
  [, kind, columns, indexes, , children, owner, isOwned, sideEffects, partitions]: readonly (string | null)[],
  schema: string,
  table: MigratedTable,
): TableLayout {
  type Column = readonly [string, string, string, boolean, string, boolean];
  type Index = readonly [string, readonly (string | null)[], boolean, boolean, boolean];
  return {
    table,
    from: qualified(schema, table.table),
    ordinary: (kind === 'r' || kind === 'p') && children === 'false',
    partitions: (parsed(partitions) as readonly (readonly [string])[]).map(([name]) => name),
    columns: (parsed(columns) as readonly Column[])
      .filter(([, , , , generated]) => generated === '')
      .map(([name, type, base, notNull, , exact]) => ({
        name,
        type,
        kind: kindOfType(base),
        notNull,
        exact,
      })),
    uniqueIndexes: (parsed(indexes) as readonly Index[]).map(
      ([name, names, partial, primary, immediate]) => ({
        name,
        columns: names.every((column) => column !== null) ? names.map(String) : [],
        partial,
        primary,
        immediate,
      }),
    ),
    sideEffects: parsed(sideEffects) as readonly string[],
    owner: owner ?? '',
    isOwned: isOwned === 'true',
  };
}

function parsed(text: string | null | undefined): unknown {
  return JSON.parse(text ?? '[]');
}

/** A row for each table, and one without name for our own tables and functions. */
const catalogSql = `
SELECT c.relname::text, c.relkind::text,
  (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod),
      (SELECT b.typname FROM pg_type b WHERE b.oid = CASE WHEN y.typtype = 'd' THEN y.typbasetype ELSE y.oid END),
      a.attnotnull, a.attgenerated, coalesce(l.collisdeterministic, true)) ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text,
  (SELECT json_agg(json_build_array(x.relname,
      (SELECT json_agg(a.attname ORDER BY k.at) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at)
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num AND k.num > 0
        WHERE k.at <= i.indnkeyatts),
      i.indpred IS NOT NULL, i.indisprimary, i.indimmediate) ORDER BY x.relname)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid)::text,
  (SELECT json_agg(json_build_array(g.tgname, g.tgenabled, g.tgtype, md5(p.prosrc)) ORDER BY g.tgname)
    FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE g.tgrelid = c.oid AND starts_with(g.tgname::text, '_mig_'))::text,
  (EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = c.oid OR (h.inhparent = c.oid AND c.relkind <> 'p'))
    OR EXISTS (SELECT 1 FROM pg_partition_tree(c.oid) q JOIN pg_class f ON f.oid = q.relid WHERE f.relkind = 'f'))::text,
  pg_get_userbyid(c.relowner)::text, pg_has_role(current_user, c.relowner, 'USAGE')::text,
  (SELECT json_agg(t.name ORDER BY t.name) FROM (
    SELECT f.conname::text AS name FROM pg_constraint f
      WHERE f.contype = 'f' AND (f.conrelid = c.oid OR f.confrelid = c.oid)
    UNION ALL SELECT g.tgname::text FROM pg_trigger g
      WHERE (g.tgrelid = c.oid OR g.tgrelid IN (SELECT q.relid FROM pg_partition_tree(c.oid) q))
        AND NOT g.tgisinternal AND NOT starts_with(g.tgname::text, '_mig_')) t)::text,
  (SELECT json_agg(json_build_array(format('%I.%I', m.nspname, f.relname), f.oid::text,
      (SELECT json_agg(json_build_array(g.tgname, g.tgenabled) ORDER BY g.tgname) FROM pg_trigger g
        WHERE g.tgrelid = f.oid AND starts_with(g.tgname::text, '_mig_'))) ORDER BY f.oid)
    FROM pg_partition_tree(c.oid) q JOIN pg_class f ON f.oid = q.relid JOIN pg_namespace m ON m.oid = f.relnamespace
    WHERE q.parentrelid IS NOT NULL)::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL SELECT '',
  (SELECT json_agg(json_build_array(c.relname, c.oid::text) ORDER BY c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind = 'r' AND starts_with(c.relname::text, '_mig_'))::text,
  (SELECT md5(string_agg(p.proname || p.prosrc, '' ORDER BY p.proname))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 AND starts_with(p.proname::text, '_mig_')),
  NULL, NULL, NULL, NULL, NULL, NULL, NULL
`;
