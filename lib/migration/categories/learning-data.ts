import type { TableInFile } from '../migration-file.ts';
import {
  column,
  commonColumns,
  embedding,
  integer,
  json,
  optional,
  text,
  textOf,
  timestamp,
} from '../transforms/columns.ts';
import { quotedTextCodec } from '../transforms/json-codecs.ts';
import { singleCodec } from '../transforms/scalar-codecs.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { unitIdOf } from '../transforms/unit-id.ts';

export function learningData({ serverId }: { readonly serverId: string }): readonly TableInFile[] {
  return [
    shapedTable({
      recordType: 'learning',
      table: 'flat_learning',
      mapping: 'canonical',
      order: 1,
      key: ['id'],
      columns: [
        text('id', 'learning_id'),
        text('record_type', 'kind'),
        optional(text('neuron_id', 'metadata.original_neuron')),
        optional(text('layer', 'metadata.declared_layer')),
        optional(column('entry_type', 'text', 'entry_type', quotedTextCodec)),
        json('payload', 'payload'),
        embedding('embedding', 'embedding'),
        column('importance', 'real', 'importance', singleCodec()),
        integer('access_count', 'activity.access_count'),
        timestamp('created_at', 'metadata.created_at'),
        optional(timestamp('last_accessed', 'activity.last_accessed_at')),
        ...commonColumns,
      ],
      computed: (row) => {
        const neuron = textOf(row['neuron_id']);
        return [[['unit_id'], neuron === null ? null : unitIdOf(serverId, neuron)]];
      },
    }),
  ];
}
