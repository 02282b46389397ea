import { createHash } from 'node:crypto';

import type { MigratedTable } from '../../lib/migration/table-lookup.ts';
import type { ApiRow } from '../hal9/api-row.ts';
import type { Observed } from './history.ts';

/** The column that tells which write made a row, and how it holds the token. */
export interface TokenColumn {
  readonly name: string;
  readonly form: 'text' | 'json';
}

/** Columns that users may change without leaving what the flat system allows, by record type. */
const tokenColumns: Readonly<Record<string, TokenColumn>> = {
  user: { name: 'username', form: 'text' },
  session: { name: 'user_agent', form: 'text' },
  neuron: { name: 'system_prompt', form: 'text' },
  connection: { name: 'metadata', form: 'json' },
  signal: { name: 'content', form: 'text' },
  learning: { name: 'payload', form: 'json' },
  config: { name: 'value', form: 'json' },
  metadata: { name: 'body', form: 'json' },
};

/** null: the table has no column that could hold a token, so users leave it alone. */
export function tokenColumnOf(table: MigratedTable): TokenColumn | null {
  const column = tokenColumns[table.recordType];
  return table.columns.some(({ name }) => name === column?.name) ? (column ?? null) : null;
}

const tokenPattern = /~t[0-9a-z]+\.[0-9a-z]+~/;

/** Unique over all runs on one store; `run` is a text of base 36 digits. */
export function makeToken(run: string, count: number): string {
  return `~t${run}.${count.toString(36)}~`;
}

/** The row with the token in its column; a JSON object keeps its members and gets one more. */
export function withToken(column: TokenColumn, row: ApiRow, token: string): ApiRow {
  const before = column.form === 'json' ? parseObject(row[column.name]) : null;
  const value = column.form === 'json' ? JSON.stringify({ ...before, traffic: token }) : `hal9 user ${token}`;
  return { ...row, [column.name]: value };
}

/** What a reader of this row knows about who wrote it. */
export function observeRow(table: MigratedTable, row: ApiRow | null): Observed {
  if (row === null) return null;
  const column = tokenColumnOf(table);
  const value = column === null ? undefined : row[column.name];
  const token = typeof value === 'string' ? tokenPattern.exec(value)?.[0] : undefined;
  return token ?? `=${digestOf(row)}`;
}

function parseObject(value: unknown): object | null {
  if (typeof value !== 'string' || !value.startsWith('{')) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' ? parsed : null;
  } catch {
    return null;
  }
}

function digestOf(row: ApiRow): string {
  const members = Object.entries(row).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(members)).digest('hex').slice(0, 16);
}
