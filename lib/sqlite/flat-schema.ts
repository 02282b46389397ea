import type { ColumnDefinition, MigrationDefinition, TableDefinition } from '../migration/definition.ts';
import { quoteName } from './table-layout.ts';

/** DDL of an empty flat HAL9 store; `docs/concepts/flat-schema.md` explains it. */
export function flatSchemaSql(definition: MigrationDefinition): string {
  return [...definition.tables.map(tableSql), ...indexSql].join('\n');
}

const indexSql: readonly string[] = [
  'CREATE INDEX flat_sessions_user ON flat_sessions (user_id);',
  'CREATE INDEX flat_sessions_expiry ON flat_sessions (expires_at);',
  'CREATE INDEX flat_connections_target ON flat_connections (target);',
  'CREATE INDEX flat_learning_neuron ON flat_learning (neuron_id);',
];

/** Beyond the columns that the migration needs. */
const constraints: Readonly<Record<string, readonly string[]>> = {
  flat_users: ['UNIQUE (username)'],
  flat_sessions: [
    'UNIQUE (token_hash)',
    'FOREIGN KEY (user_id) REFERENCES flat_users (id) ON DELETE CASCADE',
  ],
};

/** Small rows that are mostly read by their whole key. */
const withoutRowid: ReadonlySet<string> = new Set(['flat_connections', 'flat_config', 'flat_metadata']);

function tableSql({ table, columns, keyColumns }: TableDefinition): string {
  const lines = [
    ...columns.map(columnSql),
    `PRIMARY KEY (${keyColumns.map(quoteName).join(', ')})`,
    ...(constraints[table] ?? []),
  ];
  return `CREATE TABLE ${quoteName(table)} (\n  ${lines.join(',\n  ')}\n)${withoutRowid.has(table) ? ' WITHOUT ROWID' : ''};`;
}

/** A column of any storage class has no declared type: `ANY` would turn texts of digits into numbers. */
function columnSql({ name, storage, nullable }: ColumnDefinition): string {
  const type = storage === 'any' ? '' : ` ${storage.toUpperCase()}`;
  return `${quoteName(name)}${type}${nullable ? '' : ' NOT NULL'}`;
}
