import { describe, expect, it } from 'vitest';

import { makeHandler } from '../../../functions/reconcile-state/handler.ts';
import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';
import { makeMetricSink } from '../../../lib/memory/metric-sink.ts';
import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import { putRecord } from '../../../lib/memory/world.ts';
import type { ReconcileAnswer } from '../../../lib/migration/reconcile-state.ts';
import { sealRecord } from '../../../lib/migration/record-hash.ts';
import { migrationInMemory, sessionKey } from './migration-in-memory.ts';

const category = 'user-sessions';

async function copied() {
  const system = migrationInMemory();
  for (const id of ['a', 'b', 'c', 'd']) await system.put(id, `payload of ${id}`);
  await system.copyEverything();
  const audit = makeMemoryAuditLog();
  const metrics = makeMetricSink();
  const settings = makeMemorySettingsStore();
  const handler = makeHandler({ ...system.deps, audit, metrics, settings, loopMs: 50_000 });
  const { records } = system.world;
  const damage = () => {
    records.set('session/a', { ...records.get('session/a')!, body: '{"damaged":true}' });
    records.delete('session/b');
    records.set('session/stray', sealRecord({ ...records.get('session/c')!, key: sessionKey('stray') }));
  };
  return { ...system, audit, metrics, settings, handler, records, damage };
}

const run = { action: 'run', requestedBy: 'operator:test', fix: true };

const migrationMode = { enabled: true, sinceMs: 0, by: 'ada', paused: [] };

describe('reconciling the state', () => {
  it('repairs what is damaged or missing, and leaves a tombstone for what is too much', async () => {
    const { handler, damage, records } = await copied();
    damage();

    const first = (await handler(run)) as ReconcileAnswer;
    const second = (await handler(run)) as ReconcileAnswer;

    expect(first.report.byCategory[category]).toMatchObject({ mismatches: 1, missing: 1, extra: 1 });
    expect(first.fixes).toEqual({ written: 3, keptNewer: 0, changed: 0, refused: 0 });
    expect(second).toMatchObject({ report: { outcome: 'verified' }, fixes: null });
    expect(records.get('session/stray')).toMatchObject({ state: 'tombstone' });
  });

  it('writes every repair into the audit log, with its keys', async () => {
    const { handler, damage, audit } = await copied();
    damage();

    await handler(run);

    const [entry, ...others] = await audit.list(0, 10);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ principal: 'operator:test', action: 'reconcile-state' });
    expect(entry?.facts['written']).toBe(3);
    expect(entry?.facts['keys']).toEqual([
      'mismatch user-sessions session/a',
      'missing user-sessions session/b',
      'extra user-sessions session/stray',
    ]);
  });

  it('only tells of differences when nothing is to be repaired', async () => {
    const { handler, damage, audit } = await copied();
    damage();

    await handler({ ...run, fix: false });
    const { report } = (await handler({ ...run, fix: false })) as ReconcileAnswer;

    expect(report.outcome).toBe('differences');
    expect(await audit.list(0, 10)).toEqual([]);
  });

  it('raises the drift from the threshold of the settings on', async () => {
    const { handler, damage, metrics, settings } = await copied();
    damage();

    await settings.change({ reconciliation: { alertThreshold: 0.9 } });
    await handler({ ...run, fix: false });
    expect(metrics.sum('StateDrift', 'hierarchical')).toBe(0);

    await settings.change({ reconciliation: { alertThreshold: 0.5 } });
    await handler({ ...run, fix: false });
    expect(metrics.sum('StateDrift', 'hierarchical')).toBe(1);
    expect(metrics.sum('StateDifferences', 'hierarchical')).toBe(6);
  });

  it('writes nothing from flat once flat is not the authority', async () => {
    const { handler, records, source } = await copied();
    await source.fence(category, 1);
    await source.follow(category, 2);
    const damaged = { ...records.get('session/a')!, body: '{"damaged":true}' };
    records.set('session/a', damaged);

    const { fixes } = (await handler(run)) as ReconcileAnswer;

    expect(fixes).toMatchObject({ written: 0, refused: 1 });
    expect(records.get('session/a')).toEqual(damaged);
  });

  it('costs nothing of its own accord while migration mode is off', async () => {
    const { handler, damage, audit } = await copied();
    damage();

    expect(await handler({ action: 'continue' })).toEqual({ finished: 0 });
    expect(await audit.list(0, 10)).toHaveLength(0);
  });

  it('goes on by itself once in each interval, repairs, and rests before the copy is complete', async () => {
    const fresh = migrationInMemory();
    const settingsOfFresh = makeMemorySettingsStore();
    await settingsOfFresh.change({ migrationMode });
    const idle = makeHandler({
      ...fresh.deps,
      audit: makeMemoryAuditLog(),
      metrics: makeMetricSink(),
      settings: settingsOfFresh,
      loopMs: 50_000,
    });
    const { handler, world, records, time, audit, settings } = await copied();
    await settings.change({ migrationMode });

    expect(await idle({ action: 'continue' })).toEqual({ finished: 0 });
    expect(await handler({ action: 'continue' })).toEqual({ finished: 2 });
    putRecord(world, 'session/a', { ...records.get('session/a')!, body: '{"damaged":true}' });
    time.nowMs += 20_000;
    expect(await handler({ action: 'continue' })).toEqual({ finished: 2 });

    expect(await audit.list(0, 10)).toHaveLength(1);
  });
});
