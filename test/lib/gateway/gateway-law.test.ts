import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { randomInt, seededRandom, type Random } from '../../../lib/kernel/random.ts';
import type { Interleave } from '../../../lib/memory/interleave.ts';
import { checkKey } from '../../../local/traffic/check-key.ts';
import type { Observed, ReadOperation, WriteOperation } from '../../../local/traffic/history.ts';
import { makeNotesWorld, note, noteKey } from './notes.ts';

/** Everything that waits is resumed one at a time, in an order that the seed decides; a step is a millisecond. */
function makeScheduler(random: Random) {
  const waiting: { resume: () => void; notBeforeMs: number }[] = [];
  let nowMs = 0;
  const wait = (notBeforeMs: number): Promise<void> =>
    new Promise((resume) => {
      waiting.push({ resume, notBeforeMs });
    });
  return {
    now: () => (nowMs += 0.001),
    clock: { nowMs: () => nowMs },
    point: () => wait(nowMs),
    sleeper: { sleep: (durationMs: number) => wait(nowMs + durationMs) },
    async runUntil(done: () => boolean): Promise<void> {
      while (!done()) {
        await setImmediate();
        nowMs += 1;
        const ready = waiting.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
        const next = ready[randomInt(random, Math.max(1, ready.length))];
        if (next === undefined) continue;
        waiting.splice(waiting.indexOf(next), 1);
        next.resume();
      }
    },
  };
}

/** Users at two gateways write and read one key while authority goes over, back and over again; replies get lost. */
async function runSeed(
  seed: number,
): Promise<{ violations: unknown[]; writes: number; acknowledged: number }> {
  const random = seededRandom(seed);
  const scheduler = makeScheduler(random);
  const interleave: Interleave = async (point) => {
    await scheduler.point();
    // Faults of the network between gateway and hierarchical store; the flat store's are the caller's to see.
    if (point.startsWith('hierarchical.write') && random.next() < 0.1) throw new Error('socket hang up');
  };
  const notes = makeNotesWorld({
    interleave,
    conflicts: () => random.next() < 0.1,
    clock: scheduler.clock,
    sleeper: scheduler.sleeper,
    maxWaitMs: 100_000,
    betweenStages: () => pauseFor(scheduler, random),
  });
  const writes: WriteOperation[] = [];
  const reads: ReadOperation[] = [];
  let running = 0;
  const moves = { left: 2 };
  const start = (task: () => Promise<void>): void => {
    running += 1;
    void task().finally(() => {
      running -= 1;
    });
  };
  const writer = async (name: string, gateway: typeof notes.gateway): Promise<void> => {
    for (let index = 0; moves.left > 0 || index < 6; index += 1) {
      const value = random.next() < 0.3 ? null : `${name}${index}`;
      const operation = { id: writes.length, user: name, value, invokedAt: scheduler.now() };
      const position = writes.push({ ...operation, acknowledgedAt: Infinity }) - 1;
      const outcome = await gateway.write(noteKey('a'), value === null ? null : note('a', value));
      if (outcome.kind === 'written') writes[position] = { ...operation, acknowledgedAt: scheduler.now() };
    }
  };
  const reader = async (gateway: typeof notes.gateway): Promise<void> => {
    for (let index = 0; moves.left > 0 || index < 12; index += 1) {
      const invokedAt = scheduler.now();
      const outcome = await gateway.read(noteKey('a'));
      if (outcome.kind !== 'read') throw new Error('a read was unavailable');
      const value = (outcome.row?.['text'] ?? null) as Observed;
      reads.push({ id: 1_000 + reads.length, user: 'r', value, invokedAt, endedAt: scheduler.now() });
    }
  };
  const operator = async (): Promise<void> => {
    for (const epoch of [2, 4]) {
      await pauseFor(scheduler, random);
      await notes.fenceFlat(epoch - 1);
      await pauseFor(scheduler, random);
      await notes.finishToHierarchical(epoch);
      await pauseFor(scheduler, random);
      await notes.fenceHierarchical(epoch);
      await pauseFor(scheduler, random);
      await notes.finishToFlat(epoch + 1);
      moves.left -= 1;
    }
  };

  start(() => writer('p', notes.gateway));
  start(() => writer('q', notes.otherGateway));
  start(() => reader(notes.gateway));
  start(() => reader(notes.otherGateway));
  start(operator);
  await scheduler.runUntil(() => running === 0);
  const final = (notes.flatStore.tables.get('note')?.rows.get('a')?.row['text'] ?? null) as Observed;

  const history = { key: 'note/a', initial: null, writes, reads };
  return {
    violations: [...checkKey(history, { value: final })],
    writes: writes.length,
    acknowledged: writes.filter(({ acknowledgedAt }) => acknowledgedAt !== Infinity).length,
  };
}

async function pauseFor(scheduler: ReturnType<typeof makeScheduler>, random: Random): Promise<void> {
  const points = randomInt(random, 30);
  for (let index = 0; index < points; index += 1) await scheduler.point();
}

test('no acknowledged write is lost and no read is stale while authority moves back and forth', async () => {
  let [writes, acknowledged] = [0, 0];
  for (let seed = 1; seed <= 150; seed += 1) {
    const run = await runSeed(seed);
    writes += run.writes;
    acknowledged += run.acknowledged;
    expect({ seed, violations: run.violations }).toEqual({ seed, violations: [] });
  }

  // Unknown outcomes are the exception, or the checks above would mean little.
  expect(acknowledged).toBeGreaterThan(writes * 0.8);
});
