import { describe, expect, it } from 'vitest';

import { makeHandler } from '../../../../functions/reconcile-state/handler.ts';
import { randomInt, seededRandom } from '../../../../lib/kernel/random.ts';
import { makeMemoryAuditLog } from '../../../../lib/memory/audit-log.ts';
import { makeMetricSink } from '../../../../lib/memory/metric-sink.ts';
import { makeMemorySettingsStore } from '../../../../lib/memory/settings-store.ts';
import { putRecord } from '../../../../lib/memory/world.ts';
import { makeApplyChanges } from '../../../../lib/migration/apply-changes.ts';
import type { ReconcileAnswer } from '../../../../lib/migration/reconcile-state.ts';
import { sealRecord } from '../../../../lib/migration/record-hash.ts';
import { makeRelayChanges } from '../../../../lib/migration/relay-changes.ts';
import { migrationInMemory, sessionKey } from '../migration-in-memory.ts';

const category = 'user-sessions';
const recordCount = 300;

type System = ReturnType<typeof migrationInMemory>;

/** A copied system in migration mode, compared completely once; from then on digests are kept. */
async function keeping(disturb: (system: System) => Partial<System['deps']> = () => ({})) {
  const system = migrationInMemory();
  for (let id = 0; id < recordCount; id += 1) await system.put(`id-${id}`, `payload of ${id}`);
  await system.copyEverything();
  const settings = makeMemorySettingsStore();
  await settings.change({ migrationMode: { enabled: true, sinceMs: 0, by: 'ada', paused: [] } });
  const audit = makeMemoryAuditLog();
  const others = { audit, settings, metrics: makeMetricSink(), loopMs: 1 };
  const calm = makeHandler({ ...system.deps, ...others });
  expect(await calm({ action: 'continue' })).toEqual({ finished: 1 });
  const handler = makeHandler({ ...system.deps, ...disturb(system), ...others });
  const run = (more: object = {}) =>
    handler({
      action: 'run',
      requestedBy: 'operator:test',
      fix: true,
      full: false,
      ...more,
    }) as Promise<ReconcileAnswer>;
  const relayChanges = makeRelayChanges({ ...system.deps, queue: system.changeQueue, batchEntries: 3 });
  const applyChanges = makeApplyChanges(system.deps);
  return {
    ...system,
    audit,
    settings,
    handler,
    run,
    calmly: (more: object = {}) =>
      calm({
        action: 'run',
        requestedBy: 'operator:test',
        fix: true,
        full: false,
        ...more,
      }) as Promise<ReconcileAnswer>,
    relayChanges,
    applyChanges,
    damage: (id: string) => damage(system, id),
    drain: async (): Promise<void> => {
      while (!(await relayChanges(category)).caughtUp);
      for (const message of system.messages.splice(0)) await applyChanges(message);
    },
  };
}

function damage({ world }: System, id: string): void {
  const pk = `session/${id}`;
  const record = world.records.get(pk);
  if (record !== undefined) putRecord(world, pk, { ...record, body: '{"damaged":true}' });
}

describe('reconciling by kept digests', () => {
  it('reads nothing where nothing changed, and says what it rests on', async () => {
    const { run } = await keeping();

    const { report } = await run();

    expect(report).toMatchObject({
      outcome: 'verified',
      scanned: { rows: 0, records: 0 },
      byCategory: { [category]: { total: recordCount, verified: recordCount } },
      kept: { anchoredAtMs: 1_000_000, judgedKeys: 0, unequalBuckets: 0, openKeys: 0 },
    });
    expect(report.canary.found).toBe(report.canary.planted);
    expect(report.canary.planted).toBeGreaterThan(0);
  });

  it('finds a damaged record, reads only that, and repairs it', async () => {
    const { run, damage: damaging, world } = await keeping();
    damaging('id-7');

    const first = await run();
    const second = await run();

    expect(first.report.differences).toEqual([{ category, key: sessionKey('id-7'), kind: 'mismatch' }]);
    expect(first.report.byCategory[category]).toMatchObject({ total: recordCount, mismatches: 1 });
    expect(first.report.scanned.rows).toBeLessThanOrEqual(4);
    expect(first.report.scanned.records).toBeLessThanOrEqual(5);
    expect(first.fixes).toMatchObject({ written: 1 });
    expect(world.records.get('session/id-7')?.body).toContain('payload of 7');
    expect(second.report).toMatchObject({ outcome: 'verified', kept: { judgedKeys: 0, openKeys: 0 } });
  });

  it('finds a change that was reported as applied and was not', async () => {
    const { run, put, relayChanges, messages, relay, world } = await keeping();
    await put('id-3', 'newer');
    await relayChanges(category);
    for (const { throughSequence } of messages.splice(0)) await relay.finish(category, throughSequence);

    const { report, fixes } = await run();

    expect(report.byCategory[category]).toMatchObject({ mismatches: 1 });
    expect(fixes).toMatchObject({ written: 1 });
    expect(world.records.get('session/id-3')?.body).toContain('newer');
    expect((await run()).report.outcome).toBe('verified');
  });

  it('finds a record that flat does not have, and leaves a tombstone', async () => {
    const { run, world } = await keeping();
    const record = world.records.get('session/id-1')!;
    putRecord(world, 'session/stray', sealRecord({ ...record, key: sessionKey('stray') }));

    const { report } = await run();

    expect(report.byCategory[category]).toMatchObject({ extra: 1 });
    expect(world.records.get('session/stray')).toMatchObject({ state: 'tombstone' });
    expect((await run()).report.byCategory[category]).toMatchObject({ extra: 0, tombstoned: 1 });
  });

  it('tells of a record of a type that nobody migrates, as long as it is there', async () => {
    const { run, world } = await keeping();
    const key = { recordType: 'stranger', id: 'x' };
    putRecord(world, 'stranger/x', sealRecord({ ...world.records.get('session/id-1')!, key }));

    const { report, fixes } = await run();

    expect(report.differences).toEqual([{ category, key, kind: 'extra' }]);
    expect(fixes).toMatchObject({ written: 0, refused: 1 });
    expect((await run()).report.outcome).toBe('differences');
  });

  it('waits for what is on its way: neither a difference nor a reading', async () => {
    const { run, put, drain } = await keeping();
    await put('id-1', 'newer');
    await put('new', 'created');
    await put('id-2', null);

    const meanwhile = await run();
    await drain();
    const after = await run();

    expect(meanwhile.report).toMatchObject({ outcome: 'verified', kept: { judgedKeys: 0, openKeys: 3 } });
    expect(after.report).toMatchObject({ outcome: 'verified', kept: { judgedKeys: 0, openKeys: 0 } });
    expect(after.report.byCategory[category]).toMatchObject({
      total: recordCount + 1,
      verified: recordCount,
      tombstoned: 1,
    });
  });

  it('counts nothing twice when its memory of a turn is lost', async () => {
    let isLosing = true;
    const {
      run,
      calmly,
      put,
      drain,
      damage: damaging,
    } = await keeping(({ kept }) => ({
      kept: {
        ...kept,
        save: (bytes, revision) => (isLosing ? Promise.resolve(false) : kept.save(bytes, revision)),
      },
    }));
    await put('id-1', 'newer');
    await drain();
    damaging('id-2');

    await run({ fix: false });
    await run({ fix: false });
    isLosing = false;
    const { report } = await run();

    expect(report.byCategory[category]).toMatchObject({ total: recordCount, mismatches: 1 });
    expect((await calmly()).report).toMatchObject({ outcome: 'verified', kept: { openKeys: 0 } });
  });

  it('gives the same answer to two who ask at the same moment', async () => {
    const { run, damage: damaging } = await keeping();
    damaging('id-2');

    const answers = await Promise.all([run(), run()]);

    expect(answers.map(({ report }) => report.byCategory[category]?.mismatches)).toEqual([1, 1]);
    expect((await run()).report).toMatchObject({ outcome: 'verified', kept: { openKeys: 0 } });
  });

  it('does not see what no stream shows: a complete comparison does', async () => {
    const { run, world } = await keeping();
    const record = world.records.get('session/id-7')!;
    world.records.set('session/id-7', { ...record, body: '{"damaged":true}' });

    expect((await run()).report).toMatchObject({ outcome: 'verified', kept: {} });
    const { report } = await run({ full: true });

    expect(report.kept).toBeUndefined();
    expect(report.byCategory[category]).toMatchObject({ mismatches: 1 });
  });

  it('compares completely when the authority moved, and when the stream lost changes', async () => {
    const moved = await keeping();
    await moved.source.fence(category, 1);
    await moved.source.follow(category, 2);
    const lost = await keeping(({ stream }) => ({
      stream: { ...stream, read: () => Promise.resolve(null) },
    }));

    expect((await moved.run()).report.kept).toBeUndefined();
    expect((await lost.run()).report.kept).toBeUndefined();
    // What is lost is not used again either.
    expect((await lost.calmly()).report.kept).toBeUndefined();
  });

  it('compares completely when deletions may be unlogged', async () => {
    const gap = { at: null as number | null };
    const { run } = await keeping(({ deps }) => ({
      source: { ...deps.source, logGap: () => Promise.resolve(gap.at) },
    }));
    const before = await run();
    gap.at = 1;
    const after = await run();

    expect(before.report.kept).toBeDefined();
    expect(after.report.kept).toBeUndefined();
  });

  it('keeps no digests of sides that were not found equal', async () => {
    const { handler, time, run, world, settings } = await keeping();
    await settings.change({ reconciliation: { autoFix: false } });
    world.records.set('session/id-9', { ...world.records.get('session/id-9')!, body: '{}' });
    time.nowMs += 86_400_001;

    for (let turn = 0; turn < 3; turn += 1) {
      await handler({ action: 'continue' });
      time.nowMs += 30_000;
    }
    const differing = await run({ fix: false });
    await settings.change({ reconciliation: { autoFix: true } });
    for (let turn = 0; turn < 4; turn += 1) {
      await handler({ action: 'continue' });
      time.nowMs += 30_000;
    }

    expect(differing.report.kept).toBeUndefined();
    expect(differing.report.byCategory[category]).toMatchObject({ mismatches: 1 });
    expect((await run()).report).toMatchObject({ outcome: 'verified', kept: {} });
  });

  it('alarms nobody while users write, at whichever moment it looks', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = seededRandom(seed);
      const state = { isBusy: false };
      const traffic = { step: (): Promise<void> => Promise.resolve() };
      const between = async (): Promise<void> => {
        if (state.isBusy && random.next() < 0.7) await traffic.step();
      };
      const system = await keeping(({ source, target, relay, stream }) => {
        return {
          source: disturbed(source, between),
          target: disturbed(target, between),
          relay: disturbed(relay, between),
          stream: disturbed(stream, between),
        };
      });
      traffic.step = () => userOrWorker(system, random);
      state.isBusy = true;

      for (let turn = 0; turn < 4; turn += 1) {
        const { report } = await system.run();
        expect(report.differences, `seed ${seed}, turn ${turn}`).toEqual([]);
        expect(report.kept, `seed ${seed}, turn ${turn}`).toBeDefined();
      }
      const spoiled = `id-${randomInt(random, 5)}`;
      await system.drain();
      system.damage(spoiled);
      state.isBusy = false;
      const { report } = await system.run();
      expect(report.differences, `seed ${seed}`).toHaveLength(1);
      await system.drain();
      expect((await system.calmly()).report, `seed ${seed}`).toMatchObject({ outcome: 'verified', kept: {} });
      expect((await system.calmly({ full: true })).report.outcome, `seed ${seed}`).toBe('verified');
    }
  });
});

/** Something happens before and after each call. */
function disturbed<Port extends object>(port: Port, between: () => Promise<void>): Port {
  const methods = Object.entries(port).map(([name, method]) => [
    name,
    async (...given: unknown[]): Promise<unknown> => {
      await between();
      const result: unknown = await (method as (...all: unknown[]) => unknown)(...given);
      await between();
      return result;
    },
  ]);
  return Object.fromEntries(methods) as Port;
}

type Keeping = Awaited<ReturnType<typeof keeping>>;

/** A user writes, or a worker carries on, late, again, or out of order. */
async function userOrWorker(system: Keeping, random: ReturnType<typeof seededRandom>): Promise<void> {
  const { put, relayChanges, applyChanges, messages } = system;
  const what = random.next();
  if (what < 0.4) {
    const payload = random.next() < 0.25 ? null : `payload ${randomInt(random, 1000)}`;
    await put(`id-${randomInt(random, 5)}`, payload);
    return;
  }
  if (what < 0.7) {
    await relayChanges(category);
    return;
  }
  const at = randomInt(random, Math.max(1, messages.length));
  const message = messages[at];
  if (message === undefined) return;
  await applyChanges(message);
  if (random.next() < 0.7) messages.splice(at, 1);
}
