import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { FlatRow } from '../row.ts';
import type { TableInFile } from '../migration-file.ts';
import { assignLayer, type LayerPolicy } from '../transforms/assign-layer.ts';
import {
  assignLevel,
  declaredLevelDistance,
  type Characteristics,
  type LevelPolicy,
} from '../transforms/assign-level.ts';
import { readPath, writePath, type BodyPath, type MutableBody } from '../transforms/body-path.ts';
import {
  column,
  commonColumns,
  integer,
  json,
  optional,
  text,
  textOf,
  timestamp,
} from '../transforms/columns.ts';
import { singleJsonCodec, singleListCodec } from '../transforms/json-codecs.ts';
import {
  enumerationCodec,
  namedBooleanCodec,
  plainNumber,
  singleCodec,
} from '../transforms/scalar-codecs.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { isUuid, unitIdOf } from '../transforms/unit-id.ts';

export interface UnitOptions {
  /** Name of the flat server, part of the identity of units whose id is no UUID. */
  readonly serverId: string;
  readonly levelPolicy: LevelPolicy;
  readonly layerPolicy: LayerPolicy;
}

/** What the hierarchical learning code assumes where the flat store says nothing. */
const defaultMomentum = 0.9;

const connectionCountName = 'derived.connection_count';

export function neuronStates(options: UnitOptions): readonly TableInFile[] {
  return [neurons(options), connections(options), signals(options)];
}

function neurons(options: UnitOptions): TableInFile {
  return shapedTable({
    recordType: 'neuron',
    table: 'flat_neurons',
    mapping: 'canonical',
    order: 1,
    key: ['neuron_key'],
    columns: [
      text('neuron_key', 'metadata.original_id'),
      text('id', 'metadata.row_id'),
      optional(text('neuron_id', 'metadata.neuron_id')),
      optional(text('declared_layer', 'metadata.declared_layer')),
      text('neuron_type', 'metadata.original_type'),
      optional(text('role', 'metadata.role')),
      text('state', 'runtime.state'),
      optional(text('system_prompt', 'configuration.system_prompt')),
      optional(json('settings', 'configuration.settings', {})),
      column('activation', 'real', 'cognitive_state.activation_level', singleCodec()),
      optional(column('weights', 'text', 'learning_state.weights', singleListCodec)),
      optional(column('biases', 'text', 'learning_state.biases', singleListCodec)),
      column('learning_rate', 'real', 'learning_state.learning_rate', singleCodec()),
      optional(column('momentum', 'real', 'learning_state.momentum', singleCodec(defaultMomentum))),
      optional(json('memory', 'cognitive_state.working_memory', {})),
      optional(json('context', 'cognitive_state.context', {})),
      column('avg_response_time_ms', 'real', 'runtime.average_response_time_ms', singleCodec()),
      optional(integer('connection_count', 'runtime.declared_connection_count')),
      column(
        'is_async',
        'integer',
        'cognitive_state.processing_mode',
        namedBooleanCodec({ no: 'sync', yes: 'async' }),
      ),
      timestamp('created_at', 'metadata.created_at'),
      ...commonColumns,
    ],
    derived: [{ name: 'connection_count', countOf: 'flat_connections', where: { source: 'neuron_key' } }],
    computed: (row, body) => unitMembers(row, body, options),
    beforeRestore: restoreFocus,
  });
}

const focusPath: BodyPath = ['cognitive_state', 'attention_focus'];
const contextPath: BodyPath = ['cognitive_state', 'context'];

function unitMembers(
  row: FlatRow,
  body: MutableBody,
  { serverId, levelPolicy, layerPolicy }: UnitOptions,
): readonly (readonly [BodyPath, unknown])[] {
  const declaredCount = row['connection_count'] ?? null;
  const countedConnections = row[connectionCountName] ?? declaredCount;
  const targetLevel = readPath(body, ['configuration', 'settings', 'target_level']);
  const inputs = {
    neuronType: textOf(row['neuron_type']) ?? '',
    responseTimeMs: numberOf(row['avg_response_time_ms']),
    connectionCount: numberOf(countedConnections),
    targetLevel: typeof targetLevel === 'string' ? targetLevel : null,
    characteristics: characteristicsOf(body),
  };
  const { level, policy, rule } = assignLevel(inputs, levelPolicy);
  const distance = declaredLevelDistance(textOf(row['declared_layer']), level);
  const warnings = [
    ...(declaredCount === null || declaredCount === countedConnections ? [] : ['connection_count_disagrees']),
    ...(distance !== null && distance > 1 ? ['assignment_conflict'] : []),
  ];
  return [
    [['unit_id'], unitId(row, serverId)],
    [['layer'], assignLayer(textOf(row['role']), layerPolicy, textOf(row['declared_layer']))],
    [['level'], level],
    [
      ['assigned_by'],
      {
        policy,
        rule,
        inputs: {
          neuron_type: inputs.neuronType,
          response_time_ms: plainNumber(inputs.responseTimeMs),
          connection_count: inputs.connectionCount,
        },
        warnings,
      },
    ],
    [['learning_state', 'gradient_history'], []],
    [focusPath, readPath(body, [...contextPath, 'focus']) ?? null],
  ];
}

function characteristicsOf(body: MutableBody): Characteristics {
  const setting = (name: string): number => {
    const value = readPath(body, ['configuration', 'settings', name]);
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
  };
  return {
    complexity: setting('complexity'),
    abstraction: setting('abstraction'),
    planningHorizonS: setting('planning_horizon'),
  };
}

/** The flat system keeps the focus inside the context. */
function restoreFocus(body: MutableBody): void {
  const focus = readPath(body, focusPath) ?? null;
  const inContext = readPath(body, [...contextPath, 'focus']) ?? null;
  const isContext = typeof (readPath(body, contextPath) ?? {}) === 'object';
  if (isContext && canonicalJson(focus) !== canonicalJson(inContext)) {
    writePath(body, [...contextPath, 'focus'], focus);
  }
}

function unitId(row: FlatRow, serverId: string): string {
  const declared = textOf(row['neuron_id']);
  if (declared !== null && isUuid(declared)) return declared.toLowerCase();
  return unitIdOf(serverId, textOf(row['neuron_key']) ?? '');
}

function connections({ serverId }: UnitOptions): TableInFile {
  return shapedTable({
    recordType: 'connection',
    table: 'flat_connections',
    mapping: 'canonical',
    order: 2,
    key: ['source', 'target', 'conn_type'],
    columns: [
      text('source', 'metadata.original_source'),
      text('target', 'metadata.original_target'),
      column(
        'conn_type',
        'text',
        'connection_type',
        enumerationCodec({ forward: 'Forward', backward: 'Backward', lateral: 'Lateral' }, 'Forward'),
      ),
      text('id', 'connection_id'),
      column('weight', 'real', 'weight', singleCodec()),
      integer('ordinal', 'ordinal'),
      optional(json('metadata', 'properties', {})),
      ...commonColumns,
    ],
    // The level of a unit depends on how many connections it really has.
    touches: [{ table: 'flat_neurons', keyColumns: ['source'] }],
    computed: (row) => [
      [['source_id'], unitIdOf(serverId, textOf(row['source']) ?? '')],
      [['target_id'], unitIdOf(serverId, textOf(row['target']) ?? '')],
    ],
  });
}

function signals({ serverId }: UnitOptions): TableInFile {
  return shapedTable({
    recordType: 'signal',
    table: 'flat_signals',
    mapping: 'canonical',
    order: 3,
    key: ['id'],
    columns: [
      text('id', 'signal_id'),
      text('from_neuron', 'metadata.original_source'),
      optional(text('to_neuron', 'metadata.original_target')),
      optional(text('layer_from', 'metadata.layer_from')),
      optional(text('layer_to', 'metadata.layer_to')),
      column(
        'propagation_type',
        'text',
        'propagation',
        enumerationCodec({ forward: 'Forward', backward: 'Backward' }, 'Forward'),
      ),
      optional(text('batch_id', 'batch_id')),
      text('content', 'activation.content'),
      optional(column('strength', 'real', 'activation.strength', singleCodec())),
      optional(column('features', 'text', 'activation.features', singleJsonCodec({}))),
      optional(json('gradient', 'gradient')),
      optional(json('metadata', 'properties', {})),
      timestamp('timestamp', 'timestamp'),
      ...commonColumns,
    ],
    computed: (row) => {
      const target = textOf(row['to_neuron']);
      return [
        [['source_neuron'], unitIdOf(serverId, textOf(row['from_neuron']) ?? '')],
        // Without a target a signal goes to everyone.
        [['target_neuron'], target === null ? null : unitIdOf(serverId, target)],
      ];
    },
  });
}

function numberOf(value: FlatRow[string] | undefined): number {
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : 0;
}
