import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { hal9Categories as categories } from '../../../lib/migration/hal9-definition.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { keyOfPk } from '../../../lib/migration/key.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { groupHistory } from '../../../local/traffic/group-history.ts';
import type { PlantedBug } from '../../../local/hal9/planted-bug.ts';
import { checkHistory, isClean } from '../../../local/traffic/check-history.ts';
import { makeFinalStateReader } from '../../../local/traffic/final-state.ts';
import { startTraffic } from '../../../local/traffic/start-traffic.ts';
import { startMemoryServices } from '../hal9/memory-services.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hal9-traffic-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function startWithUsers(options: { plantedBug?: PlantedBug; via?: 'flat' | 'hierarchical' }) {
  const hal9 = await startMemoryServices({
    rowsPerTable: 40,
    ...(options.plantedBug === undefined ? {} : { plantedBug: options.plantedBug }),
  });
  const historyPath = join(dir, 'history.jsonl');
  const traffic = await startTraffic(
    { source: hal9.source, definition: hal9Definition },
    {
      edgeUrl: options.via === 'hierarchical' ? hal9.hierarchicalUrl : hal9.flatUrl,
      historyPath,
      rate: 400,
      users: 20,
      seed: 3,
      timeoutMs: 5_000,
    },
  );
  await traffic.beginWindow('all');
  return {
    hal9,
    traffic,
    check: () => checkHistory({ historyPath, readFinal: makeFinalStateReader(hal9.gateway, hal9Definition) }),
  };
}

test('users lose nothing and see nothing old while authority goes over, back and over again', async () => {
  const { hal9, traffic, check } = await startWithUsers({});
  const acknowledged: number[] = [];

  for (const epoch of [2, 3, 4]) {
    await traffic.beginWindow('switch');
    await traffic.waitForAcks('switch', 60, 10_000);
    await (epoch % 2 === 0 ? hal9.switchToHierarchical(epoch) : hal9.switchToFlat(epoch));
    acknowledged.push(await traffic.endWindow('switch'));
  }
  await traffic.waitForAcks('all', 300, 10_000);
  const stats = await traffic.stop();
  const report = await check();
  await hal9.services.close();

  expect(stats).toMatchObject({ failed: 0, failures: [], shed: 0, inFlight: 0 });
  expect(stats.bySystem.flat.requests).toBe(stats.requests);
  expect(acknowledged.every((count) => count >= 60)).toBe(true);
  expect(report.evidence).toEqual([]);
  expect(report.acknowledgedWrites).toBe(stats.acknowledgedWrites);
  expect(isClean(report)).toBe(true);
});

test('writes reach every category, old rows and new, with deletes and re-inserts', async () => {
  const { hal9, traffic, check } = await startWithUsers({ via: 'hierarchical' });

  await traffic.setRate(1_000);
  await traffic.waitForAcks('all', 900, 20_000);
  await traffic.pause();
  const paused = await traffic.stats();
  await traffic.stop();
  const { histories, writes } = await summarise(check, join(dir, 'history.jsonl'));
  await hal9.services.close();

  expect(paused.inFlight).toBe(0);
  expect(new Set(histories.map(({ category }) => category))).toEqual(new Set(categories));
  expect(writes.onExisting / writes.all).toBeGreaterThan(0.4);
  expect(writes.onExisting / writes.all).toBeLessThan(0.6);
  expect(writes.deletes).toBeGreaterThan(20);
  expect(writes.reinserts).toBeGreaterThan(5);
  expect(writes.backToOriginal).toBeGreaterThan(5);
});

test.each([
  ['lost-write', 'lostWrites'],
  ['stale-read', 'staleReads'],
  ['resurrection', 'resurrections'],
] as const)('a planted %s is found', async (plantedBug, counter) => {
  const { hal9, traffic, check } = await startWithUsers({ plantedBug });

  await traffic.setRate(800);
  await traffic.waitForAcks('all', 500, 20_000);
  await traffic.stop();
  const report = await check();
  await hal9.services.close();

  expect(report[counter]).toBeGreaterThan(0);
  expect(isClean(report)).toBe(false);
});

test('failures of a fault are counted apart, and writes that failed may or may not be there', async () => {
  const { hal9, traffic, check } = await startWithUsers({ via: 'hierarchical' });
  await traffic.waitForAcks('all', 50, 10_000);

  await traffic.beginFault();
  await fetch(`${hal9.adminUrl}/faults`, { method: 'POST', body: '{"kind":"errors","rate":0.7}' });
  await traffic.waitForAcks('all', 120, 10_000);
  await fetch(`${hal9.adminUrl}/faults`, { method: 'DELETE' });
  await traffic.endFault();
  await traffic.waitForAcks('all', 250, 10_000);
  const stats = await traffic.stop();
  const report = await check();
  await hal9.services.close();

  expect(stats.failed).toBe(0);
  expect(stats.failedDuringFault).toBeGreaterThan(20);
  expect(report.unknownWrites).toBeGreaterThan(10);
  expect(report.evidence).toEqual([]);
});

/** What users did, from the file that they recorded it in. */
async function summarise(check: () => Promise<unknown>, historyPath: string) {
  await check();
  const counts = { reads: 0, acknowledgedWrites: 0, unknownWrites: 0, refusedWrites: 0 };
  const grouped = await groupHistory(historyPath, counts);
  const writes = { all: 0, onExisting: 0, deletes: 0, reinserts: 0, backToOriginal: 0 };
  for (const { initial, writes: ofKey } of grouped) {
    writes.all += ofKey.length;
    writes.onExisting += initial === null ? 0 : ofKey.length;
    writes.deletes += ofKey.filter(({ value }) => value === null).length;
    writes.reinserts += ofKey.filter(
      ({ value }, index) => value !== null && ofKey[index - 1]?.value === null,
    ).length;
    writes.backToOriginal += initial === null ? 0 : ofKey.filter(({ value }) => value === initial).length;
  }
  const histories = grouped
    .filter((history) => history.writes.length > 0)
    .map(({ key }) => ({ category: tableOf(hal9Definition, keyOfPk(key).recordType).category }));
  return { histories, writes };
}
