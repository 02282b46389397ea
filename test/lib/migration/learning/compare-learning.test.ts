import { describe, expect, test } from 'vitest';

import { makeMemoryFlatRecords } from '../../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../../lib/memory/flat-source.ts';
import { keyOfRow, makeFlatStore } from '../../../../lib/memory/flat-store.ts';
import { makeMemoryTargetStore } from '../../../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../../../lib/memory/world.ts';
import { convertImage } from '../../../../lib/migration/convert-image.ts';
import { hal9Definition } from '../../../../lib/migration/hal9-definition.ts';
import {
  makeCompareLearning,
  type LearningComparison,
} from '../../../../lib/migration/learning/compare-learning.ts';
import { recall, type LearningKind } from '../../../../lib/migration/learning/recall.ts';
import { sealRecord } from '../../../../lib/migration/record-hash.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { smallDefinition } from '../../../simulation/definition.ts';

const table = tableOf(hal9Definition, 'learning');
const pattern = (n: number) =>
  `{"confidence":0.6,"error_signature":"timeout-${n}","occurrences":[${n},2,3],"prevention_strategy":"wait"}`;
const gradient = (n: number) =>
  `{"error_type":{"duration_ms":${n},"type":"Timeout"},"magnitude":0.5,"propagation_depth":1}`;

/** 60 memories, 20 patterns and 20 gradients, in both systems. */
async function copiedLearning() {
  const store = makeFlatStore(hal9Definition);
  const records = makeMemoryFlatRecords(store);
  const target = makeMemoryTargetStore(makeMemoryWorld());
  const source = makeMemoryFlatSource(store);
  for (let at = 0; at < 100; at += 1) {
    const kind = at % 5 === 0 ? 'pattern' : at % 5 === 1 ? 'gradient' : 'memory';
    const payload = kind === 'pattern' ? pattern(at) : kind === 'gradient' ? gradient(at) : '"x"';
    const row = {
      id: `l${String(at).padStart(3, '0')}`,
      record_type: kind,
      payload,
      importance: 0.5,
      access_count: 1n,
      created_at: '2025-01-02T03:04:05.000Z',
      updated_at: 1n,
      version: 1n,
    };
    const key = keyOfRow(table, row);
    await records.write('learning-data', key, row, 1);
    const image = { key, keyParts: [row.id], row, version: { epoch: 1, sequence: at + 1 } };
    await target.insertIfAbsent([convertImage(image, table, { nowMs: 0 }).record]);
  }
  const sleeper = { sleep: () => Promise.resolve() };
  return { definition: hal9Definition, source, target, clock: { nowMs: () => 0 }, sleeper };
}

type System = Awaited<ReturnType<typeof copiedLearning>>;

async function compared(
  system: System,
  kind: LearningKind,
  samples: number,
  deadlineMs = Number.POSITIVE_INFINITY,
): Promise<LearningComparison> {
  const run = makeCompareLearning(system);
  let cursor: string | null = null;
  for (;;) {
    const answer = await run({ kind, samples }, cursor, deadlineMs);
    if (answer.done) return answer.result;
    ({ cursor } = answer);
  }
}

async function edit(system: System, id: string, change: (body: string) => string): Promise<void> {
  const key = { recordType: 'learning', id };
  const stored = (await system.target.read([key])).get(`learning/${id}`);
  if (stored === undefined) throw new Error(`no ${id}`);
  const { intact: _intact, ...record } = stored;
  await system.target.repair([sealRecord({ ...record, body: change(stored.body ?? '') })]);
}

describe('asking both systems', () => {
  test.each(['pattern', 'gradient'] as const)(
    'finds every %s of a small store, and no difference',
    async (kind) => {
      const result = await compared(await copiedLearning(), kind, 100);

      expect(result).toMatchObject({ compared: 20, differing: 0, unreadable: 0 });
    },
  );

  test('takes no more than it was asked for, spread over the store, in one go or in several', async () => {
    const system = await copiedLearning();

    const whole = await compared(system, 'pattern', 5);

    expect(whole.compared).toBe(5);
    expect(await compared(system, 'pattern', 5, 0)).toEqual(whole);
  });

  test('shows a pattern that recognises something else', async () => {
    const system = await copiedLearning();
    await edit(system, 'l050', (body) => body.replace('timeout-50', 'timeout-51'));

    const { differing, differences } = await compared(system, 'pattern', 100);

    expect(differing).toBe(1);
    expect(differences).toMatchObject([
      { pk: 'learning/l050', flat: { signature: 'timeout-50' }, hierarchical: { signature: 'timeout-51' } },
    ]);
  });

  test('shows a gradient that leads elsewhere, and a record that is not there', async () => {
    const system = await copiedLearning();
    await edit(system, 'l001', (body) => body.replace('"magnitude":0.5', '"magnitude":0.25'));

    expect((await compared(system, 'gradient', 100)).differing).toBe(1);
    const bare = { ...system, target: makeMemoryTargetStore(makeMemoryWorld()) };
    expect((await compared(bare, 'gradient', 100)).differing).toBe(20);
  });

  test('looks again at a change that is on its way', async () => {
    const system = await copiedLearning();
    await edit(system, 'l001', (body) => body.replace('"magnitude":0.5', '"magnitude":0.25'));
    const sleep = () => edit(system, 'l001', (body) => body.replace('"magnitude":0.25', '"magnitude":0.5'));

    expect(await compared({ ...system, sleeper: { sleep } }, 'gradient', 100)).toMatchObject({
      differing: 0,
    });
  });

  test('is refused for a system without learning data', async () => {
    const system = { ...(await copiedLearning()), definition: smallDefinition };

    await expect(compared(system, 'pattern', 1)).rejects.toMatchObject({ name: 'NoLearningData' });
  });
});

describe('recall', () => {
  test('is surer of a pattern with every occurrence and mitigation, up to one', () => {
    const counts = [
      [0, 0],
      [3, 0],
      [10, 5],
      [99, 99],
    ];

    const confidences = counts.map(
      ([occurrences, mitigations]) =>
        recall('pattern', {
          occurrences: Array.from({ length: occurrences ?? 0 }),
          successful_mitigations: Array.from({ length: mitigations ?? 0 }),
        })?.['confidence'],
    );

    expect(confidences).toEqual([0, 0.3, 1, 1]);
  });

  test('loses a tenth of a gradient at each step, three steps at most', () => {
    expect(recall('gradient', { error_type: { type: 'UserRejection' }, propagation_depth: 1 })).toMatchObject(
      {
        magnitude: 0.9,
        steps: [0.81, 0.9 * 0.9 * 0.9],
      },
    );
    expect(recall('gradient', { magnitude: 0.5, propagation_depth: 3 })).toMatchObject({ steps: [] });
    expect(recall('gradient', 'text')).toBeNull();
  });
});
