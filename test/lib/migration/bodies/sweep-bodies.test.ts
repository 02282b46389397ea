import { beforeEach, describe, expect, test } from 'vitest';

import { makeHandler } from '../../../../functions/sweep-bodies/handler.ts';
import { makeMemoryAuditLog } from '../../../../lib/memory/audit-log.ts';
import { dayMs } from '../../../../lib/migration/body-name.ts';
import type { SweepAnswer } from '../../../../lib/migration/bodies/sweep-bodies.ts';
import type { SweepReport } from '../../../../lib/migration/bodies/sweep-position.ts';
import { bodyWorld } from './body-world.ts';

let world: ReturnType<typeof bodyWorld>;
let audit: ReturnType<typeof makeMemoryAuditLog>;
beforeEach(() => {
  world = bodyWorld();
  audit = makeMemoryAuditLog();
});

/** To the end, one page a call. */
async function sweep({ dryRun = false, timeBudgetMs = 0 } = {}): Promise<SweepReport> {
  const handler = makeHandler({ ...world.deps, audit, timeBudgetMs });
  let answer: SweepAnswer | null = null;
  do {
    const cursor: string | null = answer?.cursor ?? null;
    answer = await handler({ requestedBy: 'operator:test', dryRun, cursor });
  } while (!answer.done);
  return answer.report;
}

const days = (count: number): void => world.pass(count * dayMs);

async function written(key: string, text: string): Promise<string> {
  const name = await world.put(text);
  world.write(key, name);
  return name;
}

describe('a sweep of large bodies', () => {
  test('deletes what was replaced, by the second sweep, and keeps what is named', async () => {
    const before = await written('a', 'before');
    const after = await written('a', 'after');
    days(40);

    const first = await sweep();
    days(3);
    const second = await sweep();

    expect(first).toMatchObject({ old: { objects: 2 }, naming: 1, marked: 1, deleted: { objects: 0 } });
    expect(second).toMatchObject({
      old: { objects: 2 },
      naming: 1,
      marked: 0,
      deleted: { objects: 1, bytes: 6 },
    });
    expect([world.objects.has(before), world.objects.has(after)]).toEqual([false, true]);
    expect(await sweep()).toMatchObject({ old: { objects: 1 }, deleted: { objects: 0 } });
  });

  test('lets bodies alone for thirty days after their day, named or not', async () => {
    await world.put('on its way');
    days(30);

    expect(await sweep()).toMatchObject({ throughDay: '2025-12-31', old: { objects: 0 }, marked: 0 });
    days(1);
    expect(await sweep()).toMatchObject({ throughDay: '2026-01-01', old: { objects: 1 }, marked: 1 });
  });

  test('and for two days after it found them unnamed: a stream may still show the item that named them', async () => {
    const name = await written('a', 'text');
    days(40);
    world.leave('a');
    await sweep();

    world.pass(2 * dayMs - 1);
    expect(await sweep()).toMatchObject({ waiting: 1, deleted: { objects: 0 } });
    world.pass(1);
    expect(await sweep()).toMatchObject({ deleted: { objects: 1 } });
    expect(world.objects.has(name)).toBe(false);
  });

  test('a body is old by the clock of the store too: a writer whose clock is behind loses nothing', async () => {
    const name = await world.put('text');
    days(40);
    await sweep();
    world.objects.set(name, { text: 'text', storedAtMs: world.deps.clock.nowMs() });
    days(3);

    expect(await sweep()).toMatchObject({ old: { objects: 0 }, deleted: { objects: 0 } });
    expect(world.objects.has(name)).toBe(true);
  });

  test('a content that comes back has a new name, and the old one goes', async () => {
    const before = await written('a', 'text');
    world.leave('a');
    days(40);
    await sweep();
    const again = await written('a', 'text');
    days(3);
    await sweep();

    expect(again).not.toBe(before);
    expect([...world.objects.keys()]).toEqual([again]);
  });

  test.each([
    ['is another object', false, 0],
    ['would be lost, if it had the name that it had before', true, 1],
  ])('a content that is put again while its old body is deleted %s', async (_what, namesAgain, lost) => {
    world = bodyWorld({ namesAgain });
    await world.put('text');
    days(40);
    await sweep();
    days(3);
    const { objects } = world.deps;
    const remove = async (name: string): Promise<void> => {
      await written('a', 'text');
      await objects.remove(name);
    };
    world = { ...world, deps: { ...world.deps, objects: { ...objects, remove } } };

    expect(await sweep({ timeBudgetMs: 60_000 })).toMatchObject({ deleted: { objects: 1 } });

    world.look();
    expect(new Set(world.violations).size).toBe(lost);
  });

  test('a body is looked at once more before it is deleted', async () => {
    const name = await world.put('text');
    days(40);
    await sweep();
    days(3);
    const { named } = world.deps;
    const scan: typeof named.scan = (cursor) => {
      world.objects.set(name, { text: 'text', storedAtMs: world.deps.clock.nowMs() });
      return named.scan(cursor);
    };
    world = { ...world, deps: { ...world.deps, named: { scan } } };

    expect(await sweep()).toMatchObject({ old: { objects: 1 }, deleted: { objects: 0 } });
    expect(world.objects.has(name)).toBe(true);
  });

  test('a dry run says what the next sweep would delete, and changes nothing', async () => {
    await world.put('text');
    days(40);

    expect(await sweep({ dryRun: true })).toMatchObject({ old: { objects: 1 }, deleted: { objects: 0 } });
    expect(await world.marks.list(null, 10)).toEqual([]);
    await sweep();
    days(3);
    const { length } = await audit.list(0, 100);
    expect(await sweep({ dryRun: true })).toMatchObject({ deleted: { objects: 1, bytes: 4 } });
    expect(world.objects.size).toBe(1);
    expect(await audit.list(0, 100)).toHaveLength(length);
  });

  test('is audited: each deletion before it is done, with its names, and the end', async () => {
    const name = await world.put('text');
    days(40);
    await sweep();
    days(3);
    const failing = { ...world.deps.objects, remove: () => Promise.reject(new Error('S3 is away')) };
    world = { ...world, deps: { ...world.deps, objects: failing } };

    await expect(sweep({ timeBudgetMs: 60_000 })).rejects.toThrow('S3 is away');

    const records = await audit.list(0, 100);
    expect(records.map(({ action, principal }) => [action, principal])).toEqual([
      ['sweep-bodies', 'operator:test'],
      ['sweep-bodies', 'operator:test'],
    ]);
    expect(records.map(({ facts }) => facts)).toMatchObject([{ done: { marked: 1 } }, { deletes: [name] }]);
  });

  test('leaves alone what is no body by its name', async () => {
    const foreign = ['ab'.repeat(32), '2020-01-01/readme', 'README'];
    for (const name of foreign) world.objects.set(name, { text: '', storedAtMs: 0 });
    days(40);

    expect(await sweep()).toMatchObject({ foreign: 3, old: { objects: 0 }, marked: 0 });
  });

  test('goes on over more bodies than one page', async () => {
    for (let number = 0; number < 450; number += 1) await world.put(`text ${number}`);
    await written('a', 'text 7');
    days(40);
    await sweep();
    days(3);

    expect(await sweep()).toMatchObject({ old: { objects: 450 }, deleted: { objects: 449 } });
    expect(world.objects.size).toBe(1);
    expect(await world.marks.list(null, 10)).toEqual([]);
  });

  test('an empty state table is no proof that nobody names anything', async () => {
    await world.put('text');
    days(40);
    const named = { scan: () => Promise.resolve({ names: [], items: 0, cursor: null }) };
    world = { ...world, deps: { ...world.deps, named } };

    await expect(sweep()).rejects.toMatchObject({ name: 'StateTableEmpty', exit: 'conflict' });
    expect(await world.marks.list(null, 10)).toMatchObject([{ unnamedSinceMs: null }]);
  });
});
