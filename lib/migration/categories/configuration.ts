import type { MigratedTable } from '../table-lookup.ts';
import { commonColumns, integer, json, text } from '../transforms/columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';

export const configuration: readonly MigratedTable[] = [
  shapedTable({
    recordType: 'config',
    table: 'flat_config',
    category: 'configuration',
    keyColumns: ['scope', 'path'],
    columns: [
      text('scope', 'scope'),
      text('path', 'path'),
      text('id', 'config_id'),
      json('value', 'value'),
      integer('revision', 'revision'),
      ...commonColumns,
    ],
  }),
];
