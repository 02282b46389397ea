import type { MigratedTable } from '../table-lookup.ts';
import { commonColumns, integer, json, optional, text, timestamp } from '../transforms/columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';

export const operationalMetadata: readonly MigratedTable[] = [
  shapedTable({
    recordType: 'metadata',
    table: 'flat_metadata',
    category: 'metadata',
    keyColumns: ['kind', 'seq'],
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
