import type { TableInFile } from '../migration-file.ts';
import { commonColumns, integer, json, text } from '../transforms/columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';

export const configuration: readonly TableInFile[] = [
  shapedTable({
    recordType: 'config',
    table: 'flat_config',
    mapping: 'canonical',
    order: 1,
    key: ['scope', 'path'],
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
