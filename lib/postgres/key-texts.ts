import type { FlatRow, KeyPart } from '../migration/row.ts';
import type { TableDefinition } from '../migration/definition.ts';
import { decodeValue, isStorable } from './column-values.ts';
import type { Cells } from './connection.ts';
import type { TableLayout } from './table-layout.ts';
import { keyColumnNames } from './own-names.ts';

// A key has two spellings: its parts, as a row holds them, and the texts that PostgreSQL gives for it, which the
// triggers log. They differ for instants only.

/** Key of a row as parts. Throws TypeError when a key column holds neither text nor integer. */
export function rowKey({ table, keyColumns }: TableDefinition, row: FlatRow): readonly KeyPart[] {
  return keyColumns.map((name) => {
    const value = row[name];
    if (typeof value === 'string' || typeof value === 'bigint') return value;
    throw new TypeError(`${table}.${name} is no key part`);
  });
}

/** Key parts from the texts of our own tables. */
export function keyPartsOfTexts(layout: TableLayout, texts: Cells): readonly KeyPart[] {
  return layout.table.keyColumns.map((name, at) => {
    const text = texts[at] ?? '';
    const kind = kindOf(layout, name);
    if (kind === 'integer') return BigInt(text);
    return kind === 'instant' ? String(decodeValue('instant', 'text', text)) : text;
  });
}

/** Texts of a key, as PostgreSQL spells them. Without a table nobody logged the key but ourselves. */
export function textsOfKey(layout: TableLayout | null, keyParts: readonly KeyPart[]): readonly string[] {
  return keyParts.map((part, at) => {
    const name = layout?.table.keyColumns[at];
    const isInstant = layout !== null && name !== undefined && kindOf(layout, name) === 'instant';
    return isInstant ? String(part).replace(rfc3339, '$1 $2+00') : String(part);
  });
}

/** Texts of a key, padded to the columns of the log. */
export function paddedTexts(layout: TableLayout | null, keyParts: readonly KeyPart[]): readonly string[] {
  const texts = textsOfKey(layout, keyParts);
  return keyColumnNames.map((_, at) => texts[at] ?? '');
}

/** False for what can be no key of this table: the index is not asked for it. */
export function isPossibleKey(layout: TableLayout, keyParts: readonly KeyPart[]): boolean {
  const { keyColumns } = layout.table;
  if (keyParts.length !== keyColumns.length) return false;
  return keyColumns.every((name, at) => isPossiblePart(keyTypeOf(layout, name), keyParts[at]));
}

/** Type that the text of a key column is cast to. */
export type KeyType = 'int8' | 'uuid' | 'timestamptz' | 'timestamp' | 'text';

export function keyTypeOf(layout: TableLayout, name: string): KeyType {
  const { kind, type = 'text' } = layout.columns.find((column) => column.name === name) ?? {};
  if (kind === 'integer') return 'int8';
  if (kind === 'instant') return 'timestamptz';
  if (type === 'uuid') return 'uuid';
  return type.startsWith('timestamp') ? 'timestamp' : 'text';
}

function isPossiblePart(type: KeyType, part: KeyPart | undefined): boolean {
  if (type === 'int8') return typeof part === 'bigint' && BigInt.asIntN(64, part) === part;
  if (typeof part !== 'string' || !isStorable(part)) return false;
  if (type === 'uuid') return canonicalUuid.test(part);
  if (type === 'timestamptz') return isInstant(part, rfc3339);
  return type === 'text' || isInstant(part, localTime);
}

/** Years beyond 9999 and before Christ are refused with the schema, not looked for. */
function isInstant(part: string, form: RegExp): boolean {
  const [, date, time] = form.exec(part) ?? [];
  if (date === undefined || time === undefined) return false;
  const ms = Date.parse(`${date}T${time.slice(0, 8)}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}

const canonicalUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const rfc3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d{0,5}[1-9])?)Z$/;
const localTime = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d{0,5}[1-9])?)$/;

function kindOf(layout: TableLayout, name: string): TableLayout['columns'][number]['kind'] {
  return layout.columns.find((column) => column.name === name)?.kind ?? 'text';
}
