import type { TableInFile } from '../migration-file.ts';
import { commonColumns, integer, json, optional, text, timestamp } from '../transforms/columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';

export const operationalMetadata: readonly TableInFile[] = [
  shapedTable({
    recordType: 'metadata',
    table: 'flat_metadata',
    mapping: 'canonical',
    order: 1,
    key: ['kind', 'seq'],
    columns: [
      text('kind', 'kind'),
      integer('seq', 'sequence'),
      text('id', 'metadata_id'),
      timestamp('ts', 'recorded_at'),
      optional(text('actor', 'actor')),
      optional(text('resource', 'resource')),
      optional(json('labels', 'labels', {})),
      json('body', 'content'),
      ...commonColumns,
    ],
  }),
];
