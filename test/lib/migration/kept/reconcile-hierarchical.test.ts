import { describe, expect, it } from 'vitest';

import { makeHandler } from '../../../../functions/reconcile-state/handler.ts';
import { randomInt, seededRandom } from '../../../../lib/kernel/random.ts';
import { makeMemoryAuditLog } from '../../../../lib/memory/audit-log.ts';
import { setRow } from '../../../../lib/memory/flat-store.ts';
import { makeMemoryHierarchicalRecords } from '../../../../lib/memory/hierarchical-records.ts';
import { makeMetricSink } from '../../../../lib/memory/metric-sink.ts';
import { makeMemorySettingsStore } from '../../../../lib/memory/settings-store.ts';
import { groupOf } from '../../../../lib/migration/bucket.ts';
import { convertImage } from '../../../../lib/migration/convert-image.ts';
import { drainReverse } from '../../../../lib/migration/drain-reverse.ts';
import type { ReconcileAnswer } from '../../../../lib/migration/reconcile-state.ts';
import { makeSwitchAuthority } from '../../../../lib/migration/switch-authority.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { smallDefinition } from '../../../simulation/definition.ts';
import { migrationInMemory, sessionKey } from '../migration-in-memory.ts';

const category = 'user-sessions';
const recordCount = 2_000;
const table = tableOf(smallDefinition, 'session');

/** A copied system whose sessions the hierarchical side has authority over, compared completely once. */
async function keeping() {
  const system = migrationInMemory();
  for (let id = 0; id < recordCount; id += 1) await system.put(`id-${id}`, `payload of ${id}`);
  await system.copyEverything();
  await makeSwitchAuthority(system.deps).switchTo({ category, to: 'hierarchical', requestedBy: 'ada' });
  const settings = makeMemorySettingsStore();
  await settings.change({ migrationMode: { enabled: true, sinceMs: 0, by: 'ada', paused: [] } });
  const others = { audit: makeMemoryAuditLog(), settings, metrics: makeMetricSink(), loopMs: 1 };
  const handler = makeHandler({ ...system.deps, ...others });
  expect(await handler({ action: 'continue' })).toEqual({ finished: 1 });
  const hierarchical = makeMemoryHierarchicalRecords(system.world);
  const run = (more: object = {}) =>
    handler({
      action: 'run',
      requestedBy: 'operator:test',
      fix: true,
      full: false,
      ...more,
    }) as Promise<ReconcileAnswer>;
  return {
    ...system,
    run,
    /** Everything, over as many calls as it takes. */
    full: async (): Promise<ReconcileAnswer> => {
      for (let cursor: string | null = null; ;) {
        const answer: ReconcileAnswer = await run({ full: true, cursor });
        if (answer.done) return answer;
        ({ cursor } = answer);
      }
    },
    /** As a user does under hierarchical authority. */
    write: async (id: string, payload: string | null): Promise<void> => {
      const key = sessionKey(id);
      const before = await hierarchical.read(key);
      const sequence = before?.version.epoch === 2 ? before.version.sequence + 1 : 1;
      const row = payload === null ? null : { id, payload };
      const image = { key, keyParts: [id], row, version: { epoch: 2, sequence } };
      const { record } = convertImage(image, table, { nowMs: system.time.nowMs });
      const guard = { group: groupOf(key), expected: before?.version ?? null };
      expect(await hierarchical.write({ ...record, origin: 'hierarchical' }, guard)).toBe('written');
    },
    carry: () => drainReverse(system.deps, category),
    /** What flat holds, past its fence. */
    spoil: (id: string, payload: string | null) =>
      setRow(system.store, table, sessionKey(id).id, payload === null ? null : { id, payload }),
    payloadOf: async (id: string): Promise<unknown> => {
      const { images } = await system.source.readCurrent(category, [sessionKey(id)]);
      return images[0]?.row?.['payload'];
    },
  };
}

describe('reconciling by kept digests under hierarchical authority', () => {
  it('reads nothing where nothing changed, of either category', async () => {
    const { run } = await keeping();

    const { report } = await run();

    expect(report).toMatchObject({
      outcome: 'verified',
      scanned: { rows: 0, records: 0 },
      byCategory: { [category]: { total: recordCount, verified: recordCount } },
      kept: { judgedKeys: 0, openKeys: 0 },
    });
  });

  it('looks at each change once, and finds flat equal', async () => {
    const { run, write, carry } = await keeping();
    await write('id-3', 'newer');
    await write('id-4', null);
    await write('made', 'new');
    await carry();

    const first = await run();
    const second = await run();

    expect(first.report).toMatchObject({ outcome: 'verified', scanned: { rows: 3, records: 6 } });
    expect(second.report).toMatchObject({ outcome: 'verified', scanned: { rows: 0, records: 0 } });
    expect(second.report.byCategory[category]).toMatchObject({ verified: recordCount, tombstoned: 1 });
  });

  it('counts as on its way what flat does not have yet, and writes nothing of it', async () => {
    const { run, write, carry, payloadOf } = await keeping();
    await write('id-3', 'newer');

    const before = await run();
    expect(before.report).toMatchObject({ outcome: 'pending', byCategory: { [category]: { pending: 1 } } });
    expect(before.fixes).toBeNull();
    expect(await payloadOf('id-3')).toBe('payload of 3');
    await carry();

    expect((await run()).report.outcome).toBe('verified');
  });

  it('finds the one row that the reverse path left wrong among 2,000, reads only that, and mends it', async () => {
    const { run, write, carry, spoil, payloadOf } = await keeping();
    await write('id-7', 'newer');
    await carry();
    spoil('id-7', 'something else');

    const first = await run();
    const second = await run();
    const third = await run();

    expect(first.report.differences).toEqual([{ category, key: sessionKey('id-7'), kind: 'mismatch' }]);
    expect(first.report.scanned.rows).toBeLessThanOrEqual(4);
    expect(first.report.scanned.records).toBeLessThanOrEqual(5);
    expect(first.fixes).toMatchObject({ written: 1, refused: 0 });
    expect(await payloadOf('id-7')).toBe('newer');
    expect(second.report.outcome).toBe('verified');
    expect(third.report).toMatchObject({ outcome: 'verified', scanned: { rows: 0, records: 0 } });
  });

  it('mends a row that was lost and one that came back', async () => {
    const { run, write, carry, spoil, payloadOf } = await keeping();
    await write('id-1', 'newer');
    await write('id-2', null);
    await carry();
    spoil('id-1', null);
    spoil('id-2', 'back again');

    const { report, fixes } = await run();

    expect(report.byCategory[category]).toMatchObject({ missing: 1, extra: 1 });
    expect(fixes).toMatchObject({ written: 2 });
    expect([await payloadOf('id-1'), await payloadOf('id-2')]).toEqual(['newer', undefined]);
    expect((await run()).report.outcome).toBe('verified');
  });

  it('does not see a row that was changed past the fence where nothing else changed: a complete comparison does', async () => {
    const { run, full, spoil, payloadOf } = await keeping();
    spoil('id-9', 'past the fence');

    expect((await run()).report).toMatchObject({ outcome: 'verified', kept: {} });
    const { report, fixes } = await full();

    expect(report.differences).toEqual([{ category, key: sessionKey('id-9'), kind: 'mismatch' }]);
    expect(fixes).toMatchObject({ written: 1 });
    expect(await payloadOf('id-9')).toBe('payload of 9');
  });

  it('leaves a row alone of which the target has no record', async () => {
    const { full, spoil, payloadOf } = await keeping();
    spoil('stray', 'nobody knows');

    const { report, fixes } = await full();

    expect(report.byCategory[category]).toMatchObject({ extra: 1 });
    expect(fixes).toMatchObject({ written: 0, refused: 1 });
    expect(await payloadOf('stray')).toBe('nobody knows');
  });

  it('compares completely after the way back', async () => {
    const system = await keeping();
    await makeSwitchAuthority(system.deps).switchTo({ category, to: 'flat', requestedBy: 'ada' });

    expect((await system.run()).report.kept).toBeUndefined();
  });

  it('alarms nobody and takes nothing back, at whichever moment it looks', async () => {
    const system = await keeping();
    const found: unknown[] = [];
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seededRandom(seed);
      for (let step = 0; step < 12; step += 1) {
        const what = randomInt(random, 4);
        const id = `id-${randomInt(random, 20)}`;
        if (what === 0) await system.carry();
        else if (what === 1) {
          const { report, fixes } = await system.run();
          found.push(...report.differences, ...(fixes === null ? [] : [fixes]));
        } else await system.write(id, what === 2 ? `${seed}.${step}` : null);
      }
    }
    await system.carry();

    expect(found).toEqual([]);
    expect((await system.run()).report.outcome).toBe('verified');
    expect((await system.full()).report.outcome).toBe('verified');
  }, 120_000);
});
