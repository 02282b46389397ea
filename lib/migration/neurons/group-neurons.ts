import type { Clock } from '../../kernel/clock.ts';
import type { MigrationDefinition } from '../definition.ts';
import { decodeKey, encodeKey } from '../key.ts';
import type { FlatSource } from '../ports.ts';
import { readPath } from '../transforms/body-path.ts';
import { bodyOf, graphTablesOf } from './graph-tables.ts';

export const groupings = ['layer', 'level', 'rule', 'declared-layer'] as const;

/** What neurons are grouped by; `rule` is what assigned their level. */
export type Grouping = (typeof groupings)[number];

interface NeuronGroup {
  readonly name: string;
  readonly count: number;
  /** Keys of the first ten. */
  readonly examples: readonly string[];
}

export interface NeuronGroups {
  readonly looked: number;
  readonly total: number;
  readonly groups: readonly NeuronGroup[];
  /** Warnings of the assignment, with how many neurons have each. */
  readonly warnings: Readonly<Record<string, number>>;
}

export type GroupAnswer =
  | { readonly done: false; readonly cursor: string; readonly result: NeuronGroups }
  | { readonly done: true; readonly result: NeuronGroups };

interface Position {
  readonly table: number;
  readonly after: string | null;
  readonly result: NeuronGroups;
}

const pageRows = 500;
const mostExamples = 10;
/** Name of the group of neurons that have no hierarchical form. */
const unconvertible = 'unconvertible';

const pathOf: Readonly<Record<Grouping, readonly string[]>> = {
  layer: ['layer'],
  level: ['level'],
  rule: ['assigned_by', 'rule'],
  'declared-layer': ['metadata', 'declared_layer'],
};

/** Counts the neurons of the flat store by what the definition assigns to them. Every neuron is in one group. */
export function makeGroupNeurons(deps: {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly clock: Clock;
}): (by: Grouping, cursor: string | null, deadlineMs: number) => Promise<GroupAnswer> {
  const { neurons } = graphTablesOf(deps.definition);
  return async (by, cursor, deadlineMs) => {
    let position: Position =
      cursor === null ? await firstPosition(deps.source, neurons) : (JSON.parse(cursor) as Position);
    for (;;) {
      const table = neurons[position.table];
      if (table === undefined) return { done: true, result: position.result };
      const after = position.after === null ? null : decodeKey(position.after);
      const page = await deps.source.readRange(table.recordType, { after, upTo: null }, pageRows);
      const counted = makeCounter(position.result);
      for (const { key, row } of page.images) {
        if (row !== null) counted.add(key.id, bodyOf(table, row, deps.clock.nowMs()), pathOf[by]);
      }
      position = {
        table: page.nextAfter === null ? position.table + 1 : position.table,
        after: page.nextAfter === null ? null : encodeKey(page.nextAfter),
        result: counted.result(),
      };
      if (deps.clock.nowMs() >= deadlineMs && neurons[position.table] !== undefined) {
        return { done: false, cursor: JSON.stringify(position), result: position.result };
      }
    }
  };
}

async function firstPosition(
  source: FlatSource,
  neurons: readonly { readonly recordType: string }[],
): Promise<Position> {
  let total = 0;
  for (const { recordType } of neurons) total += await source.countRows(recordType);
  return { table: 0, after: null, result: { looked: 0, total, groups: [], warnings: {} } };
}

function makeCounter(before: NeuronGroups) {
  const groups = new Map(before.groups.map((group) => [group.name, group]));
  const warnings = { ...before.warnings };
  let { looked } = before;
  return {
    add(id: string, body: unknown, path: readonly string[]): void {
      looked += 1;
      const value = readPath(body, path) ?? null;
      const name = body === null ? unconvertible : typeof value === 'string' ? value : 'none';
      const { count = 0, examples = [] } = groups.get(name) ?? {};
      const more = examples.length < mostExamples ? [...examples, id] : examples;
      groups.set(name, { name, count: count + 1, examples: more });
      const given = readPath(body, ['assigned_by', 'warnings']);
      for (const warning of Array.isArray(given) ? given.map(String) : []) {
        warnings[warning] = (warnings[warning] ?? 0) + 1;
      }
    },
    result: (): NeuronGroups => ({
      looked,
      total: before.total,
      groups: [...groups.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1)),
      warnings,
    }),
  };
}
