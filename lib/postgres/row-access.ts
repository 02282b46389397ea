import { HalError } from '../kernel/errors.ts';
import type { ColumnDefinition } from '../migration/definition.ts';
import { compareVersions, type RecordVersion } from '../migration/record.ts';
import type { FlatRow, FlatValue, KeyPart } from '../migration/row.ts';
import { refuseUnknownColumns } from '../migration/unknown-columns.ts';
import { decodeValue, encodeValue, readExpression } from './column-values.ts';
import type { Cells, Parameter, Session } from './connection.ts';
import type { LogView } from './decoded-log.ts';
import { isPossibleKey, keyPartsOfTexts, keyTypeOf, rowKey, textsOfKey } from './key-texts.ts';
import { andBelongs, andWhere } from './membership.ts';
import { qualified, quoteName } from './names.ts';
import { isKeyIndex, type TableLayout } from './table-layout.ts';
import { keyColumnNames } from './own-names.ts';

export interface VersionedRow {
  readonly keyParts: readonly KeyPart[];
  readonly row: FlatRow;
  /** The newer of the key's last log entry and its last reverse change; null when it has neither. */
  readonly version: RecordVersion | null;
}

export interface RowRange {
  readonly after: readonly KeyPart[] | null;
  readonly upTo: readonly KeyPart[] | null;
}

/** What is read of each row beside its columns. */
export interface RowExtras {
  readonly schema: string;
  readonly derived: boolean;
  /** False without a change log: nothing has a version then. */
  readonly versions: boolean;
  /** Where the log is not to be read in the snapshot of the rows. */
  readonly versionsOf?: LogView['versionsOf'];
}

/** Rows of a range in key order. */
export async function readRowRange(
  session: Session,
  layout: TableLayout,
  request: { readonly range: RowRange; readonly limit: number },
  extras: RowExtras,
): Promise<readonly VersionedRow[]> {
  const { sql, parameters } = rangeCondition(layout, request.range);
  const select = selectList(layout, extras);
  const found = await session.all(
    `SELECT ${select.sql} FROM ${layout.from} AS t ${sql} ORDER BY ${keyList(layout)}
     LIMIT $${parameters.length + 1}::int8`,
    [...parameters, String(request.limit)],
  );
  const rows = found.map((cells) => select.rowOf(cells));
  return await withLogged(
    layout,
    rows,
    rows.map(({ keyParts }) => keyParts),
    extras,
  );
}

/** The same, with the version of its last log entry where that is the newer one. */
async function withLogged<Found extends { readonly version: RecordVersion | null }>(
  layout: TableLayout,
  found: readonly Found[],
  keys: readonly (readonly KeyPart[])[],
  { versionsOf }: RowExtras,
): Promise<readonly Found[]> {
  if (versionsOf === undefined) return found;
  const logged = await versionsOf(
    layout.table.recordType,
    keys.map((keyParts) => textsOfKey(layout, keyParts)),
  );
  return found.map((each, at) => ({ ...each, version: newerOf(logged[at] ?? null, each.version) }));
}

/** A key, its row (null when there is none), and its version. */
export interface FoundKey {
  readonly row: FlatRow | null;
  readonly version: RecordVersion | null;
}

/** The rows of some keys, in the order of the keys, by one walk along the index. */
export async function readRows(
  session: Session,
  layout: TableLayout,
  keys: readonly (readonly KeyPart[])[],
  extras: RowExtras,
): Promise<readonly FoundKey[]> {
  const absent: FoundKey = { row: null, version: null };
  const found: FoundKey[] = keys.map(() => absent);
  const askable = keys.flatMap((parts, at) => (isPossibleKey(layout, parts) ? [{ parts, at }] : []));
  if (askable.length === 0) return found;
  const width = layout.table.keyColumns.length;
  const asked = keyColumnNames.slice(0, width);
  const texts = askable.map(({ parts }) => textsOfKey(layout, parts));
  const arrays = asked.map((_, part) => texts.map((key) => key[part] ?? ''));
  const select = selectList(layout, { ...extras, versions: false });
  const columns = select.names.map((_, at) => `c${at}`);
  const isKey = layout.table.keyColumns.map(
    (name, at) => `t.${quoteName(name)} = q.${asked[at] ?? ''}::${keyTypeOf(layout, name)}`,
  );
  const rows = await session.all(
    `SELECT q.at::text, (r.c0 IS NOT NULL)::text, ${columns.map((name) => `r.${name}`).join(', ')}
       ${
         extras.versions
           ? `, ${versionList(
               extras.schema,
               layout,
               asked.map((name) => `q.${name}`),
               extras.versionsOf === undefined,
             )}`
           : ''
       }
     FROM unnest(${arrays.map((_, at) => `$${at + 1}::text[]`).join(', ')}) WITH ORDINALITY AS q(${asked.join(', ')}, at)
     LEFT JOIN LATERAL (SELECT ${select.expressions.map((sql, at) => `${sql} AS ${columns[at] ?? ''}`).join(', ')}
       FROM ${layout.from} AS t WHERE ${isKey.join(' AND ')}${andWhere(layout.table)} LIMIT 1) AS r ON true`,
    arrays,
  );
  for (const [ordinal, isThere, ...cells] of rows) {
    const target = askable[Number(ordinal) - 1];
    if (target === undefined) continue;
    const { row } = isThere === 'true' ? select.rowOf(cells) : absent;
    found[target.at] = { row, version: extras.versions ? versionOf(cells.slice(columns.length)) : null };
  }
  return await withLogged(layout, found, keys, extras);
}

/** The key at the end of the `step` rows behind `after`; null when no row follows it. */
export async function readBoundary(
  session: Session,
  layout: TableLayout,
  after: readonly KeyPart[] | null,
  step: number,
): Promise<readonly KeyPart[] | null> {
  const { sql, parameters } = rangeCondition(layout, { after, upTo: null });
  const names = layout.table.keyColumns.map(quoteName);
  const ordered = names.map((name) => `t.${name}`).join(', ');
  const found = await session.all(
    `SELECT ${names.map((name) => `s.${name}::text`).join(', ')} FROM (
       SELECT ${ordered}, row_number() OVER (ORDER BY ${ordered}) AS nth FROM ${layout.from} AS t ${sql}
       ORDER BY ${ordered} LIMIT $${parameters.length + 1}::int8) AS s
     WHERE s.nth >= $${parameters.length + 2}::int8 ORDER BY s.nth`,
    [...parameters, String(step + 1), String(step)],
  );
  const [boundary] = found;
  return boundary === undefined || found.length < 2 ? null : keyPartsOfTexts(layout, boundary);
}

/**
 * Puts a whole row: columns that it does not have become null (or their default, where null is not allowed).
 * Throws HalError `UnknownColumn` and `RowConflict`.
 */
export async function putRow(
  session: Session,
  place: string,
  layout: TableLayout,
  row: FlatRow,
): Promise<void> {
  refuseUnknownColumns(place, { name: layout.table.table, columns: layout.columns }, row);
  const { keyColumns } = layout.table;
  const given = layout.columns.filter(({ name, notNull }) => (row[name] ?? null) !== null || !notNull);
  const updates = layout.columns
    .filter(({ name }) => !keyColumns.includes(name))
    .map(({ name }) => `${quoteName(name)} = excluded.${quoteName(name)}`);
  const isSameKey = keyColumns
    .map((name) => `t.${quoteName(name)} = excluded.${quoteName(name)}`)
    .join(' AND ');
  const changed = await session.run(
    `INSERT INTO ${layout.from} AS t (${given.map(({ name }) => quoteName(name)).join(', ')})
     OVERRIDING SYSTEM VALUE VALUES (${given.map((_, at) => `$${at + 1}`).join(', ')})
     ON CONFLICT (${conflictColumns(layout).map(quoteName).join(', ')})
     DO ${updates.length === 0 ? 'NOTHING' : `UPDATE SET ${updates.join(', ')} WHERE ${isSameKey}${andBelongs(layout.table, 't')}`}`,
    given.map(({ name }) => storedText(place, layout, name, row[name] ?? null)),
  );
  if (changed === 0 && updates.length > 0) {
    const outside = layout.table.where === undefined ? '' : ', or one that is no record has it';
    throw unfit(place, layout, `another row has part of its key${outside}`);
  }
  await refuseOutsider(session, place, layout, row);
}

/** What was just put must be a record by the `where` of its table. */
async function refuseOutsider(
  session: Session,
  place: string,
  layout: TableLayout,
  row: FlatRow,
): Promise<void> {
  const { table } = layout;
  if (table.where === undefined) return;
  const isKey = table.keyColumns.map(
    (name, at) => `t.${quoteName(name)} = $${at + 1}::${keyTypeOf(layout, name)}`,
  );
  const found = await session.first(
    `SELECT 1 FROM ${layout.from} AS t WHERE ${isKey.join(' AND ')}${andWhere(table)}`,
    rowKey(table, row).map(String),
  );
  if (found === undefined) throw unfit(place, layout, `it would be no record by the where of ${table.table}`);
}

/** The columns of the index that tells keys apart. */
function conflictColumns({ table, uniqueIndexes }: TableLayout): readonly string[] {
  const indexes = uniqueIndexes.filter((index) => index.immediate && isKeyIndex(index, table.keyColumns));
  const whole = indexes.find(({ columns }) => columns.length === table.keyColumns.length);
  return (whole ?? indexes[0])?.columns ?? table.keyColumns;
}

function unfit(place: string, layout: TableLayout, reason: string, cause?: unknown): HalError {
  const { table } = layout.table;
  return new HalError({
    name: 'RowConflict',
    message: `The flat store ${place} has no room for a row of ${table}: ${reason}.`,
    remedy: 'Change the row so that it keeps the constraints of its table.',
    exit: 'conflict',
    facts: { place, table },
    cause,
  });
}

/** False when there was no such row. */
export async function deleteRow(
  session: Session,
  layout: TableLayout,
  keyParts: readonly KeyPart[],
): Promise<boolean> {
  if (!isPossibleKey(layout, keyParts)) return false;
  const isKey = layout.table.keyColumns.map(
    (name, at) => `${quoteName(name)} = $${at + 1}::${keyTypeOf(layout, name)}`,
  );
  return (
    (await session.run(
      `DELETE FROM ${layout.from} WHERE ${isKey.join(' AND ')}${andWhere(layout.table)}`,
      keyParts.map(String),
    )) > 0
  );
}

/** Keys of the other rows that have the values of this one in the columns of a unique index. */
export async function keysWithSame(
  session: Session,
  layout: TableLayout,
  row: FlatRow,
  columns: readonly string[],
): Promise<readonly (readonly KeyPart[])[]> {
  const values = columns.map((name) =>
    encodeValue(kindOf(layout, name), storageOf(layout, name), row[name] ?? null),
  );
  if (values.includes(null)) return [];
  const isSame = columns.map((name, at) => `t.${quoteName(name)} = $${at + 1}`).join(' AND ');
  const found = await session.all(
    `SELECT ${layout.table.keyColumns.map((name) => `t.${quoteName(name)}::text`).join(', ')}
     FROM ${layout.from} AS t WHERE ${isSame}`,
    values,
  );
  return found.map((cells) => keyPartsOfTexts(layout, cells));
}

function kindOf(layout: TableLayout, name: string): TableLayout['columns'][number]['kind'] {
  return layout.columns.find((column) => column.name === name)?.kind ?? 'text';
}

/** Columns that the definition does not know travel as what they are. */
function storageOf({ table }: TableLayout, name: string): ColumnDefinition['storage'] {
  return table.columns.find((column) => column.name === name)?.storage ?? 'text';
}

function storedText(place: string, layout: TableLayout, name: string, value: FlatValue): string | null {
  try {
    return encodeValue(kindOf(layout, name), storageOf(layout, name), value);
  } catch (cause) {
    throw unfit(place, layout, `${name}: ${(cause as Error).message}`, cause);
  }
}

interface SelectList {
  readonly sql: string;
  readonly expressions: readonly string[];
  readonly names: readonly string[];
  rowOf(cells: Cells): VersionedRow;
}

/** Key columns come first, so that the first cell tells whether there is a row. */
function selectList(layout: TableLayout, extras: RowExtras): SelectList {
  const { keyColumns } = layout.table;
  const columns = layout.columns.toSorted(
    (left, right) => Number(keyColumns.includes(right.name)) - Number(keyColumns.includes(left.name)),
  );
  const counts = extras.derived ? derivedCounts(layout, extras.schema) : [];
  const names = [...columns.map(({ name }) => name), ...counts.map(({ name }) => name)];
  const expressions = [
    ...columns.map(({ name, kind }) => readExpression(kind, `t.${quoteName(name)}`)),
    ...counts.map(({ sql }) => sql),
  ];
  const ownKeys = keyColumns.map((name) => `t.${quoteName(name)}::text`);
  return {
    sql: [
      ...expressions,
      ...(extras.versions
        ? [versionList(extras.schema, layout, ownKeys, extras.versionsOf === undefined)]
        : []),
    ].join(', '),
    expressions,
    names,
    rowOf(cells) {
      const row: Record<string, FlatValue> = {};
      for (const { name } of layout.columns) {
        const at = names.indexOf(name);
        row[name] = decodeValue(kindOf(layout, name), storageOf(layout, name), cells[at] ?? null);
      }
      for (const [at, { name }] of counts.entries()) row[name] = BigInt(cells[columns.length + at] ?? 0);
      return {
        keyParts: rowKey(layout.table, row),
        row,
        version: extras.versions ? versionOf(cells.slice(names.length)) : null,
      };
    },
  };
}

/** Last log entry and last reverse change of the key whose texts `keys` are SQL for. */
function versionList(
  schema: string,
  { table }: TableLayout,
  keys: readonly string[],
  isLogInSnapshot: boolean,
): string {
  const isKey = keyColumnNames.map((name, at) => `v.${name} = ${keys[at] ?? "''"}`).join(' AND ');
  const isType = `v.record_type = '${table.recordType.replaceAll("'", "''")}'`;
  const logged = `(SELECT v.epoch || '.' || v.seq FROM ${qualified(schema, '_mig_log')} AS v
      WHERE ${isType} AND ${isKey} ORDER BY v.seq DESC LIMIT 1)`;
  return [
    isLogInSnapshot ? logged : 'NULL::text',
    `(SELECT v.epoch || '.' || v.sequence FROM ${qualified(schema, '_mig_version')} AS v WHERE ${isType} AND ${isKey})`,
  ].join(', ');
}

function versionOf(cells: Cells): RecordVersion | null {
  const [logged, applied] = [cells[0], cells[1]].map((text) => {
    if (text === null || text === undefined) return null;
    const [epoch, sequence] = text.split('.');
    return { epoch: Number(epoch), sequence: Number(sequence) };
  });
  return newerOf(logged ?? null, applied ?? null);
}

function newerOf(left: RecordVersion | null, right: RecordVersion | null): RecordVersion | null {
  if (left === null || right === null) return left ?? right;
  return compareVersions(left, right) > 0 ? left : right;
}

function derivedCounts(
  { table }: TableLayout,
  schema: string,
): readonly { readonly name: string; readonly sql: string }[] {
  return (table.derived ?? []).map(({ name, countOf, where }) => {
    const isCounted = Object.entries(where)
      .map(([theirs, ours]) => `d.${quoteName(theirs)} = t.${quoteName(ours)}`)
      .join(' AND ');
    return {
      name: `derived.${name}`,
      sql: `(SELECT count(*)::text FROM ${qualified(schema, countOf)} AS d WHERE ${isCounted})`,
    };
  });
}

function keyList({ table }: TableLayout): string {
  return table.keyColumns.map((name) => `t.${quoteName(name)}`).join(', ');
}

function rangeCondition(
  layout: TableLayout,
  { after, upTo }: RowRange,
): { readonly sql: string; readonly parameters: readonly Parameter[] } {
  const bounds = [
    ...(after === null ? [] : [{ operator: '>', parts: after }]),
    ...(upTo === null ? [] : [{ operator: '<=', parts: upTo }]),
  ];
  let next = 0;
  const conditions = bounds.map(({ operator }) => {
    const values = layout.table.keyColumns.map((name) => `$${(next += 1)}::${keyTypeOf(layout, name)}`);
    return `(${keyList(layout)}) ${operator} (${values.join(', ')})`;
  });
  const isInRange = conditions.length === 0 ? 'true' : conditions.join(' AND ');
  return {
    sql: `WHERE ${isInRange}${andWhere(layout.table)}`,
    parameters: bounds.flatMap(({ parts }) => parts.map(String)),
  };
}
