import type { FlatRow } from '../row.ts';
import type { TableInFile } from '../migration-file.ts';
import { assignLayer, type LayerPolicy } from '../transforms/assign-layer.ts';
import { assignDeclaredLevel } from '../transforms/assign-level.ts';
import { readPath, type BodyPath, type MutableBody } from '../transforms/body-path.ts';
import { column, json, optional, text, textOf, timestamp } from '../transforms/columns.ts';
import { enumerationCodec } from '../transforms/scalar-codecs.ts';
import { variant } from '../transforms/server-columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { unitIdOf } from '../transforms/unit-id.ts';

interface ServerUnitOptions {
  readonly serverId: string;
  readonly layerPolicy: LayerPolicy;
}

/** Neurons and signals of a running server, which keeps connections in its configuration files. */
export function serverNeurons(options: ServerUnitOptions): readonly TableInFile[] {
  const { serverId } = options;
  return [
    shapedTable({
      recordType: 'server-neuron',
      table: 'neurons',
      mapping: 'server',
      order: 1,
      key: ['id'],
      columns: [
        text('id', 'metadata.original_id'),
        text('layer', 'metadata.declared_layer'),
        text('system_prompt', 'configuration.system_prompt'),
        optional(json('settings', 'configuration.settings', {})),
        text('state', 'runtime.state'),
        timestamp('created_at', 'metadata.created_at'),
        timestamp('updated_at', 'metadata.updated_at'),
        variant(text('name', 'metadata.name')),
        variant(text('organization_id', 'metadata.organization_id')),
      ],
      computed: (row, body) => unitMembers(row, body, options),
    }),
    shapedTable({
      recordType: 'server-signal',
      table: 'signals',
      mapping: 'server',
      order: 2,
      // PostgreSQL partitions signals by time: only both columns together are unique there.
      key: ['id', 'timestamp'],
      columns: [
        text('id', 'signal_id'),
        text('from_neuron', 'metadata.original_source'),
        text('to_neuron', 'metadata.original_target'),
        optional(text('layer_from', 'metadata.layer_from')),
        optional(text('layer_to', 'metadata.layer_to')),
        column(
          'propagation_type',
          'text',
          'propagation',
          enumerationCodec({ forward: 'Forward', backward: 'Backward' }, 'Forward'),
        ),
        text('content', 'activation.content'),
        optional(json('metadata', 'properties', {})),
        timestamp('timestamp', 'timestamp'),
      ],
      computed: (row) => [
        [['source_neuron'], unitIdOf(serverId, textOf(row['from_neuron']) ?? '')],
        [['target_neuron'], unitIdOf(serverId, textOf(row['to_neuron']) ?? '')],
      ],
    }),
  ];
}

function unitMembers(
  row: FlatRow,
  body: MutableBody,
  { serverId, layerPolicy }: ServerUnitOptions,
): readonly (readonly [BodyPath, unknown])[] {
  const targetLevel = readPath(body, ['configuration', 'settings', 'target_level']);
  const role = readPath(body, ['configuration', 'settings', 'role']);
  const declaredLayer = textOf(row['layer']);
  const { level, policy, rule } = assignDeclaredLevel({
    declaredLayer,
    targetLevel: typeof targetLevel === 'string' ? targetLevel : null,
  });
  return [
    [['unit_id'], unitIdOf(serverId, textOf(row['id']) ?? '')],
    [['layer'], assignLayer(typeof role === 'string' ? role : null, layerPolicy, declaredLayer)],
    [['level'], level],
    [['assigned_by'], { policy, rule, inputs: { declared_layer: declaredLayer } }],
  ];
}
