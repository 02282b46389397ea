import type { ColumnDefinition, MigrationDefinition, TableDefinition } from '../migration/definition.ts';
import { qualified, quoteName } from './names.ts';

/** DDL of an empty flat HAL9 store; `docs/concepts/flat-schema.md` explains it. */
export function flatSchemaSql(schema: string, definition: MigrationDefinition): readonly string[] {
  return definition.tables.map((table) => tableSql(schema, table));
}

/** What is added when the rows are there: a store that grew may hold rows that break it. */
export function flatConstraintsSql(schema: string): readonly string[] {
  const table = (name: string): string => qualified(schema, name);
  return [
    `CREATE INDEX ON ${table('flat_sessions')} (user_id)`,
    `CREATE INDEX ON ${table('flat_connections')} (target)`,
    `CREATE INDEX ON ${table('flat_learning')} (neuron_id)`,
    `ALTER TABLE ${table('flat_users')} ADD UNIQUE (username)`,
    `ALTER TABLE ${table('flat_sessions')} ADD UNIQUE (token_hash),
       ADD FOREIGN KEY (user_id) REFERENCES ${table('flat_users')} (id) ON DELETE CASCADE NOT VALID`,
  ];
}

function tableSql(schema: string, { table, columns, keyColumns }: TableDefinition): string {
  const lines = [...columns.map(columnSql), `PRIMARY KEY (${keyColumns.map(quoteName).join(', ')})`];
  return `CREATE TABLE ${qualified(schema, table)} (\n  ${lines.join(',\n  ')}\n)`;
}

/** `json` and not `jsonb`, which would make an integer of a large real number. */
export const columnTypes: Readonly<Record<ColumnDefinition['storage'], string>> = {
  text: 'text',
  integer: 'bigint',
  real: 'double precision',
  blob: 'bytea',
  any: 'json',
};

function columnSql({ name, storage, nullable }: ColumnDefinition): string {
  return `${quoteName(name)} ${columnTypes[storage]}${nullable ? '' : ' NOT NULL'}`;
}
