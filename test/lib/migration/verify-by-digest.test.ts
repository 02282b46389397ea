import { describe, expect, it } from 'vitest';

import type { TargetStore } from '../../../lib/migration/ports.ts';
import { applyImages } from '../../../lib/migration/write-images.ts';
import { makeVerifyState } from '../../../lib/migration/verify-state.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const category = 'user-sessions';
const idOf = (at: number): string => `k${String(at).padStart(4, '0')}`;

/** 600 copied sessions, and what was asked of the ports. */
async function copied() {
  const system = migrationInMemory();
  for (let at = 0; at < 600; at += 1) await system.put(idOf(at), `payload ${at}`);
  await system.copyEverything();
  const asked = { rows: 0, current: 0, scanned: 0, read: 0 };
  let beforeScan: (() => Promise<void>) | null = null;
  const source = {
    ...system.deps.source,
    readRange: async (...call: Parameters<typeof system.deps.source.readRange>) => {
      const page = await system.deps.source.readRange(...call);
      asked.rows += page.images.length;
      return page;
    },
    readCurrent: async (...call: Parameters<typeof system.deps.source.readCurrent>) => {
      asked.current += call[1].length;
      return await system.deps.source.readCurrent(...call);
    },
  };
  const target: TargetStore = {
    ...system.deps.target,
    read: async (keys) => {
      asked.read += keys.length;
      return await system.deps.target.read(keys);
    },
    scan: async (page) => {
      await beforeScan?.();
      const found = await system.deps.target.scan(page);
      asked.scanned += found.records.length;
      return found;
    },
  };
  const verifyState = makeVerifyState({ ...system.deps, source, target, pageSize: 50 });
  const verify = async () => (await verifyState({ categories: [category], cursor: null }, Infinity)).report;
  const applyNow = async () => {
    const { images } = await system.deps.source.readChanges(category, 0, 10_000);
    for (let from = 0; from < images.length; from += 25) {
      await applyImages(system.deps, category, { images: images.slice(from, from + 25), oversized: [] });
    }
  };
  return {
    ...system,
    asked,
    verify,
    applyNow,
    onScan: (effect: () => Promise<void>) => {
      beforeScan = effect;
    },
  };
}

describe('verifying by digests', () => {
  it('reads every row and every record once when they agree, and looks nothing up', async () => {
    const { verify, asked } = await copied();

    const report = await verify();

    expect(report.outcome).toBe('verified');
    expect(asked).toEqual({ rows: 600, current: 0, scanned: 600, read: 0 });
  });

  it('looks only into the buckets that differ', async () => {
    const { verify, asked, world } = await copied();
    const record = world.records.get(`session/${idOf(77)}`)!;
    world.records.set(`session/${idOf(77)}`, { ...record, body: '{"damaged":true}' });

    const report = await verify();

    expect(report.byCategory[category]).toMatchObject({ total: 600, verified: 599, mismatches: 1 });
    expect(asked.current).toBeLessThan(30);
    expect(asked.read).toBeLessThan(30);
  });

  it('judges just the keys that change between the two looks, and counts each of them once', async () => {
    const { verify, asked, put, applyNow, onScan } = await copied();
    let scans = 0;
    onScan(async () => {
      scans += 1;
      // Half of the changes arrive before the records are read, the others while they are.
      if (scans > 6) return;
      for (let at = scans; at < 600; at += 20) await put(idOf(at), at % 40 === 1 ? null : `changed ${scans}`);
      await put(`new-${scans}`, 'new');
      await applyNow();
    });

    const report = await verify();

    expect(report.outcome).toBe('verified');
    const { total, verified, tombstoned } = report.byCategory[category]!;
    expect(verified + tombstoned).toBe(total);
    expect(total).toBeGreaterThanOrEqual(600);
    expect(total).toBeLessThanOrEqual(606);
    expect(asked.rows).toBe(600);
    expect(asked.read).toBeLessThan(2 * 6 * 32);
  });

  it('finds damage among keys that change', async () => {
    const { verify, world, put, applyNow, onScan } = await copied();
    let disturbed: Promise<void> | null = null;
    const disturb = async () => {
      for (let at = 0; at < 300; at += 1) await put(idOf(at), `changed ${at}`);
      await applyNow();
      for (const at of [5, 305, 500]) {
        const record = world.records.get(`session/${idOf(at)}`)!;
        world.records.set(`session/${idOf(at)}`, { ...record, body: '{"damaged":true}' });
      }
    };
    onScan(() => (disturbed ??= disturb()));

    const report = await verify();

    expect(report.byCategory[category]).toMatchObject({ mismatches: 3, missing: 0, extra: 0, pending: 0 });
    expect(report.differences.map(({ key }) => key.id).toSorted()).toEqual([idOf(5), idOf(305), idOf(500)]);
  });

  it('judges key by key when the authority moves meanwhile', async () => {
    const { verify, source, onScan } = await copied();
    onScan(async () => {
      await source.fence(category, 1);
      await source.follow(category, 2);
    });

    const report = await verify();

    expect(report.byCategory[category]).toMatchObject({ total: 600, verified: 600 });
    expect(report.outcome).toBe('verified');
  });

  it('begins again when the digests of its cursor are gone', async () => {
    const { deps, world } = await copied();
    const verifyState = makeVerifyState({ ...deps, pageSize: 50 });
    const { cursor } = await verifyState({ categories: [category], cursor: null }, 0);
    world.digests.clear();

    await expect(verifyState({ categories: [category], cursor }, 0)).rejects.toMatchObject({
      name: 'VerificationExpired',
    });
  });

  it('gives the same answer when the last one got lost', async () => {
    const { deps } = await copied();
    const verifyState = makeVerifyState({ ...deps, pageSize: 50 });
    let answer = await verifyState({ categories: [category], cursor: null }, 0);
    let last: string | null = null;
    while (!answer.done) {
      last = answer.cursor;
      answer = await verifyState({ categories: [category], cursor: last }, 0);
    }

    expect(await verifyState({ categories: [category], cursor: last }, 0)).toEqual(answer);
  });
});
