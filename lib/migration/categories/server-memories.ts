import type { TableInFile } from '../migration-file.ts';
import { column, json, optional, text, textOf, timestamp } from '../transforms/columns.ts';
import { embeddingCodec } from '../transforms/embedding-codec.ts';
import { quotedTextCodec } from '../transforms/json-codecs.ts';
import { identity, measure, variant } from '../transforms/server-columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { unitIdOf } from '../transforms/unit-id.ts';

/** What neurons of a running server remember, in the shape of its first schema or in that of its memory store. */
export function serverMemories({ serverId }: { readonly serverId: string }): readonly TableInFile[] {
  return [
    shapedTable({
      recordType: 'memory',
      table: 'memories',
      mapping: 'server',
      order: 1,
      key: ['id'],
      columns: [
        identity('id', 'memory_id'),
        optional(text('neuron_id', 'metadata.original_neuron')),
        text('content', 'content'),
        optional(measure('importance', 'importance')),
        variant(text('layer', 'metadata.declared_layer')),
        variant(timestamp('timestamp', 'metadata.recorded_at')),
        variant(column('entry_type', 'text', 'entry_type', quotedTextCodec)),
        variant(json('metadata', 'properties', {})),
        variant(column('embedding', 'any', 'embedding', embeddingCodec)),
        variant(measure('access_count', 'activity.access_count')),
        variant(timestamp('last_accessed', 'activity.last_accessed_at')),
        variant(json('context', 'context', {})),
        variant(timestamp('created_at', 'metadata.created_at')),
      ],
      computed: (row) => {
        const neuron = textOf(row['neuron_id']);
        return [[['unit_id'], neuron === null ? null : unitIdOf(serverId, neuron)]];
      },
    }),
  ];
}
