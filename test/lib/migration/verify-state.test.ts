import { describe, expect, it } from 'vitest';

import { sealRecord } from '../../../lib/migration/record-hash.ts';
import type { TargetRecord } from '../../../lib/migration/record.ts';
import { makeRepairKeys } from '../../../lib/migration/repair-keys.ts';
import { readStateStatus } from '../../../lib/migration/state-status.ts';
import { makeVerifyState } from '../../../lib/migration/verify-state.ts';
import { migrationInMemory, sessionKey } from './migration-in-memory.ts';

const category = 'user-sessions';

async function migrated() {
  const system = migrationInMemory();
  for (const id of ['a', 'b', 'c']) await system.put(id, `payload of ${id}`);
  await system.put('p', 'poison');
  await system.copyEverything();
  const verify = async () => {
    const answer = await makeVerifyState(system.deps)({ categories: [category], cursor: null }, Infinity);
    return answer.report;
  };
  return { ...system, verify };
}

const damages: [string, (record: TargetRecord) => TargetRecord][] = [
  ['a changed body', (record) => ({ ...record, body: record.body!.replace('payload of', 'payload 0f') })],
  ['a truncated body', (record) => ({ ...record, body: record.body!.slice(0, -4) })],
  ['a body of another record', (record) => sealRecord({ ...record, body: '{"columns":{}}' })],
  ['a time to live that it should not have', (record) => ({ ...record, expiresAtS: 1 })],
  ['a record of another category', (record) => ({ ...record, category: 'metadata' })],
  ['a wrong hash', (record) => ({ ...record, hash: '00' })],
];

describe('verifying the state', () => {
  it('counts every row and record, and proves that it would find damage', async () => {
    const { verify } = await migrated();

    const report = await verify();

    expect(report.outcome).toBe('verified');
    expect(report.byCategory[category]).toMatchObject({ total: 4, verified: 3, quarantined: 1, pending: 0 });
    expect(report.scanned).toEqual({ rows: 4, records: 4 });
    expect(report.canary.planted).toBeGreaterThan(0);
    expect(report.canary.found).toBe(report.canary.planted);
  });

  it.each(damages)('finds %s, names its key, and finds it repaired', async (_name, damage) => {
    const { verify, world, deps } = await migrated();
    world.records.set('session/b', damage(world.records.get('session/b')!));

    const report = await verify();
    expect(report.outcome).toBe('differences');
    expect(report.differences).toEqual([{ category, key: sessionKey('b'), kind: 'mismatch' }]);

    expect(await makeRepairKeys(deps)(category, [sessionKey('b')])).toMatchObject({ written: 1 });
    expect((await verify()).outcome).toBe('verified');
  });

  it('does not take a damaged version for a change that is on its way', async () => {
    const { verify, world } = await migrated();
    const version = { epoch: 7, sequence: 7 };
    world.records.set('session/b', { ...world.records.get('session/b')!, version });

    expect((await verify()).byCategory[category]).toMatchObject({ mismatches: 1, pending: 0 });
  });

  it('finds what is missing and what is too much', async () => {
    const { verify, world } = await migrated();
    const stray = sealRecord({ ...world.records.get('session/c')!, key: sessionKey('stray') });
    world.records.delete('session/c');
    world.records.set('session/stray', stray);

    const report = await verify();

    expect(report.byCategory[category]).toMatchObject({ total: 5, missing: 1, extra: 1 });
  });

  it('finds a record of a type that nobody migrates', async () => {
    const { verify, world } = await migrated();
    const key = { recordType: 'ghost', id: 'a' };
    world.records.set('ghost/a', { ...world.records.get('session/a')!, key });

    const report = await verify();

    expect(report.outcome).toBe('differences');
    expect(report.differences).toEqual([{ category, key, kind: 'extra' }]);
  });

  it('calls a change that is on its way pending', async () => {
    const { verify, put } = await migrated();
    await put('a', 'changed');
    await put('b', null);

    const report = await verify();

    expect(report.outcome).toBe('pending');
    expect(report.byCategory[category]).toMatchObject({ pending: 2, mismatches: 0, extra: 0 });
  });

  it('says that it proved nothing when there was nothing to compare', async () => {
    const { deps } = migrationInMemory();

    const { report } = await makeVerifyState(deps)({ categories: [category], cursor: null }, Infinity);

    expect(report.outcome).toBe('unproven');
  });

  it('gives the same counts when it is cut into many invocations', async () => {
    const { deps, verify, time } = await migrated();
    const inSteps = makeVerifyState({ ...deps, pageSize: 2 });
    let invocations = 0;
    let answer: Awaited<ReturnType<typeof inSteps>> = { done: false, cursor: null, report: await verify() };

    while (!answer.done) {
      answer = await inSteps({ categories: [category], cursor: answer.cursor }, time.nowMs);
      invocations += 1;
    }

    expect(invocations).toBeGreaterThan(3);
    expect(answer.report.byCategory).toEqual((await verify()).byCategory);
  });

  it('does not let a repair replace what is newer', async () => {
    const { deps, world } = await migrated();
    const newer = sealRecord({ ...world.records.get('session/a')!, version: { epoch: 2, sequence: 1 } });
    world.records.set('session/a', newer);

    expect(await makeRepairKeys(deps)(category, [sessionKey('a')])).toMatchObject({
      written: 0,
      keptNewer: 1,
    });

    expect(world.records.get('session/a')).toEqual(newer);
  });
});

describe('the status of the state', () => {
  it('tells where every category stands', async () => {
    const { deps, put } = await migrated();
    await put('a', 'changed');

    const [sessions] = await readStateStatus(deps);

    expect(sessions).toMatchObject({
      category,
      authority: { epoch: 1, state: 'open' },
      rows: 4,
      backfill: { complete: true, plannedRanges: 1, counts: { read: 4, quarantined: 1 } },
      relay: { appliedThrough: 0, lastSequence: 1 },
      quarantined: 1,
    });
  });
});
