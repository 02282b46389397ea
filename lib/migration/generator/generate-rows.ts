import { sha256Hex } from '../../kernel/sha256.ts';
import { encodeRow } from '../row-encoding.ts';
import type { FlatRow } from '../row.ts';
import { planDamage, type DamagePlan } from './damage.ts';
import { learningRow } from './learning-rows.ts';
import { connectionRows, neuronRow, signalRow } from './neuron-rows.ts';
import { configRow, metadataRow } from './operational-rows.ts';
import { planRowCounts, type RowCounts } from './row-counts.ts';
import { makeBulkProse } from './sample.ts';
import { sessionRow, userRow } from './session-rows.ts';
import type { World } from './world.ts';

export interface GeneratorOptions {
  /** Rows in all tables together. */
  readonly records: number;
  readonly seed: number;
  /** Size of most learning payloads, in characters. */
  readonly learningBytes?: { readonly min: number; readonly max: number };
}

export interface GeneratedRow {
  readonly recordType: string;
  readonly row: FlatRow;
}

export interface GeneratorPlan {
  readonly counts: Readonly<Record<string, number>>;
  /** Rows that no transform can convert. */
  readonly damaged: number;
  /** One at a time, in the order of the tables; the same rows for the same options, whenever and wherever. */
  rows(): Generator<GeneratedRow>;
}

/** Fixed, so that the rows depend on the seed alone. */
const copiedAtMs = Date.parse('2026-01-01T00:00:00.000Z');

/** A flat HAL9 store with everything that makes real ones hard to migrate. */
export function planGeneration(options: GeneratorOptions): GeneratorPlan {
  const counts = planRowCounts(options.records);
  const damage = planDamage(counts);
  const world: World = {
    seed: options.seed,
    nowMs: copiedAtMs,
    counts,
    learningBytes: options.learningBytes ?? { min: 800, max: 3_600 },
    bulk: makeBulkProse(options.seed),
  };
  return {
    counts: { ...counts },
    damaged: damage.damaged,
    rows: () => generateRows(world, damage),
  };
}

const rowMakers: readonly (readonly [keyof RowCounts, (world: World, index: number) => FlatRow])[] = [
  ['user', userRow],
  ['session', sessionRow],
  ['neuron', neuronRow],
  ['signal', signalRow],
  ['learning', learningRow],
  ['config', configRow],
  ['metadata', metadataRow],
];

function* generateRows(world: World, damage: DamagePlan): Generator<GeneratedRow> {
  for (const [recordType, make] of rowMakers) {
    const changed = damage.rows.get(recordType);
    for (let index = 0; index < world.counts[recordType]; index += 1) {
      const row = withChecksum(make(world, index));
      yield { recordType, row: changed?.get(index)?.(row) ?? row };
    }
  }
  for (let index = 0; index < world.counts.neuron; index += 1) {
    for (const row of connectionRows(world, index))
      yield { recordType: 'connection', row: withChecksum(row) };
  }
}

function withChecksum(row: FlatRow): FlatRow {
  return { ...row, checksum: sha256Hex(encodeRow(row)) };
}
