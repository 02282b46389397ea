import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { encodeKey } from '../key.ts';
import type { FlatRow, RecordKey } from '../row.ts';
import { tablesOf, type MigratedTable } from '../table-lookup.ts';
import { isLayer, type Layer } from '../transforms/assign-layer.ts';

/** The tables of a definition that hold a graph of neurons. */
export interface GraphTables {
  readonly category: Category;
  /** One per mapping of the store; those of the other mappings are empty. */
  readonly neurons: readonly [MigratedTable, ...MigratedTable[]];
  /** null where the store keeps no connections. */
  readonly connections: MigratedTable | null;
}

const category = 'neuron-states';

/** Whether the category is a graph of neurons, which shows layer by layer. */
export function isGraph(definition: MigrationDefinition, name: Category): boolean {
  return name === category && tablesOf(definition, category).some(isNeurons);
}

function isNeurons({ recordType }: MigratedTable): boolean {
  return /^(server-)?neuron$/.test(recordType);
}

/** Throws HalError `NoNeuronStates`. */
export function graphTablesOf(definition: MigrationDefinition): GraphTables {
  const tables = tablesOf(definition, category);
  const [first, ...others] = tables.filter(isNeurons);
  if (first === undefined) {
    throw new HalError({
      name: 'NoNeuronStates',
      message: `The migration ${definition.name} has no neurons.`,
      remedy: 'These commands are for HAL9; use `hal9-migrate state verify` for any other system.',
      exit: 'usage',
      facts: { definition: definition.name },
    });
  }
  const connections = tables.find(({ recordType }) => recordType === 'connection') ?? null;
  return { category, neurons: [first, ...others], connections };
}

export interface EdgeEnds {
  readonly source: RecordKey;
  readonly target: RecordKey;
}

/** Keys of the neurons that a connection joins, whether they exist or not. */
export function endsOf({ neurons }: GraphTables, source: string, target: string): EdgeEnds {
  const { recordType } = neurons[0];
  return {
    source: { recordType, id: encodeKey([source]) },
    target: { recordType, id: encodeKey([target]) },
  };
}

/** A neuron of another server is written with the server before it: `edge-server-2:neuron-7`. */
export function isRemote(neuronKey: string): boolean {
  return /^[^:]+:./.test(neuronKey);
}

/** null for what has no hierarchical form, and so no layer. */
export function layerOfBody(body: unknown): Layer | null {
  const layer = typeof body === 'object' && body !== null ? (body as { layer?: unknown }).layer : undefined;
  return isLayer(layer) ? layer : null;
}

/** The hierarchical form of a row as a value; null when it has none. */
export function bodyOf(table: MigratedTable, row: FlatRow, nowMs: number): Record<string, unknown> | null {
  try {
    const conversion = table.transform.convert(row, { nowMs });
    if (conversion.kind === 'rejected') return null;
    return conversion.record.body as Record<string, unknown>;
  } catch {
    return null;
  }
}
