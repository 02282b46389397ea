import { makeMemoryLargeBodies } from '../../../lib/memory/large-bodies.ts';
import { describe, expect, it } from 'vitest';

import { makeApplyChanges } from '../../../lib/migration/apply-changes.ts';
import { makeRelayChanges } from '../../../lib/migration/relay-changes.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const category = 'user-sessions';

describe('relaying the change log', () => {
  it('sends each slice once, and again when nobody finished it in time', async () => {
    const { deps, changeQueue, source, put, messages, time } = migrationInMemory();
    await source.installChangeLog();
    await put('a', 'x');
    const relayChanges = makeRelayChanges({ ...deps, queue: changeQueue, resendAfterMs: 30_000 });

    expect(await relayChanges(category)).toEqual({ sent: 1, resent: 0, caughtUp: true });
    expect(await relayChanges(category)).toEqual({ sent: 0, resent: 0, caughtUp: true });
    time.nowMs += 30_000;
    expect(await relayChanges(category)).toEqual({ sent: 0, resent: 1, caughtUp: true });
    expect(await relayChanges(category)).toEqual({ sent: 0, resent: 0, caughtUp: true });
    expect(messages[1]).toEqual(messages[0]);

    await makeApplyChanges(deps)(messages[0]!);
    time.nowMs += 30_000;
    expect(await relayChanges(category)).toEqual({ sent: 0, resent: 0, caughtUp: true });
  });

  it('leaves a key to the slice of its last change', async () => {
    const { deps, changeQueue, source, put, messages } = migrationInMemory();
    await source.installChangeLog();
    for (const payload of ['1', '2', '3']) await put('a', payload);
    const relayChanges = makeRelayChanges({ ...deps, queue: changeQueue, batchEntries: 1 });

    for (let step = 0; step < 4; step += 1) await relayChanges(category);

    expect(messages.map(({ images }) => images.map(({ row }) => row?.['payload']))).toEqual([['3']]);
    expect(await deps.relay.pending(category, 10)).toHaveLength(1);
  });

  it('refuses a log that ends before what it has read: the store was replaced by an earlier copy', async () => {
    const { deps, changeQueue, source, relay, put } = migrationInMemory();
    await source.installChangeLog();
    await put('a', 'x');
    await relay.begin({ category, afterSequence: 0, throughSequence: 7, sentAtMs: 0 });

    const relayed = makeRelayChanges({ ...deps, queue: changeQueue })(category);

    await expect(relayed).rejects.toMatchObject({ name: 'ChangeLogMissing', facts: { readThrough: 7 } });
  });

  it('splits what does not fit a message, and quarantines a row that fits none', async () => {
    const { deps, changeQueue, source, put, messages, world, quarantine } = migrationInMemory();
    await source.installChangeLog();
    for (const id of ['a', 'b', 'c']) await put(id, 'x'.repeat(350_000));
    await put('d', 'x'.repeat(700_000));
    const relayChanges = makeRelayChanges({ ...deps, queue: changeQueue });

    while (!(await relayChanges(category)).caughtUp);
    for (const message of messages) await makeApplyChanges(deps)(message);

    expect(messages.length).toBeGreaterThan(1);
    expect(world.records.get('session/c')?.state).toBe('live');
    expect(world.records.get('session/d')?.state).toBe('quarantined');
    expect((await quarantine.list(category, null, 10)).entries).toMatchObject([{ errorName: 'RowTooLarge' }]);
  });

  it('names a row that fits no message, where there is a place for it', async () => {
    const { deps, changeQueue, source, put, messages, world } = migrationInMemory();
    const bodies = makeMemoryLargeBodies({ clock: deps.clock });
    await source.installChangeLog();
    await put('d', 'x'.repeat(700_000));

    await makeRelayChanges({ ...deps, queue: changeQueue, bodies })(category);
    for (const message of messages) await makeApplyChanges({ ...deps, bodies })(message);

    expect(messages).toMatchObject([{ images: [], oversized: [{ rowName: expect.any(String) as string }] }]);
    expect(world.records.get('session/d')).toMatchObject({ state: 'live' });
  });

  it('resolves the quarantine of a row that converts again', async () => {
    const { deps, changeQueue, source, put, messages, quarantine } = migrationInMemory();
    await source.installChangeLog();
    const relayAndApply = async (): Promise<void> => {
      await makeRelayChanges({ ...deps, queue: changeQueue })(category);
      for (const message of messages.splice(0)) await makeApplyChanges(deps)(message);
    };

    await put('a', 'poison');
    await relayAndApply();
    expect(await quarantine.count(category)).toBe(1);
    await put('a', 'cured');
    await relayAndApply();

    expect(await quarantine.count(category)).toBe(0);
  });
});
