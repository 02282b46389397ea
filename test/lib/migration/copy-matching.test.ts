import { describe, expect, it } from 'vitest';

import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import { makeCopyMatching, type CopyMatchingAnswer } from '../../../lib/migration/copy-matching.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { matchRow, parseRowFilter } from '../../../lib/migration/row-filter.ts';
import { makeStopIfStrict } from '../../../lib/migration/stop-if-strict.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { poison } from '../../simulation/definition.ts';
import { migrationInMemory, sessionKey } from './migration-in-memory.ts';

/** Six sessions, every second of them odd, before the change log is there. */
async function sixSessions() {
  const migration = migrationInMemory();
  for (let at = 1; at <= 6; at += 1) await migration.put(`s${at}`, at % 2 === 1 ? 'odd' : 'even');
  await migration.source.installChangeLog();
  const copy = makeCopyMatching({ ...migration.deps, pageSize: 2 });
  const all = async (values: readonly string[]) => {
    let answer: CopyMatchingAnswer | null = null;
    do {
      const cursor: string | null = answer?.cursor ?? null;
      answer = await copy(
        { category: 'user-sessions', filter: { name: 'payload', values }, cursor },
        Infinity,
      );
    } while (answer.cursor !== null);
    return answer.counts;
  };
  return { ...migration, copy, all };
}

describe('copying what matches a filter', () => {
  it('copies those rows and says how many are left', async () => {
    const { all, world } = await sixSessions();

    const first = await all(['odd']);
    const copied = [...world.records.keys()].toSorted();
    const second = await all(['even']);

    expect(first).toEqual({ read: 6, matched: 3, quarantined: 0, left: 3 });
    expect(copied).toEqual(['session/s1', 'session/s3', 'session/s5']);
    expect(second).toEqual({ read: 6, matched: 3, quarantined: 0, left: 0 });
  });

  it('never replaces what a live change brought, and leaves to the log what the log brings', async () => {
    const { all, put, world, target, relayed } = await withRelay();
    await put('s1', 'odd');
    await put('s2', 'even again');
    await relayed();
    const before = world.records.get('session/s1');

    const counts = await all(['odd']);

    expect(world.records.get('session/s1')).toEqual(before);
    expect(counts).toMatchObject({ left: 2 });
    expect((await target.read([sessionKey('s2')])).size).toBe(1);
  });

  it('goes on at its cursor when its time is over', async () => {
    const { copy, time } = await sixSessions();
    const request = { category: 'user-sessions', filter: { name: 'payload', values: ['odd'] } };

    const stopped = await copy({ ...request, cursor: null }, time.nowMs);
    const rest = await copy({ ...request, cursor: stopped.cursor }, Infinity);

    expect(stopped).toMatchObject({
      counts: { read: 0 },
      stopped: false,
      cursor: expect.any(String) as unknown,
    });
    expect(rest).toMatchObject({ counts: { read: 6 }, cursor: null });
  });

  it('brings what cannot be converted to quarantine, and stops there when validation is strict', async () => {
    const { deps, put } = await sixSessions();
    await put('s1', `${poison} row`);
    const settings = makeMemorySettingsStore();
    await settings.change({ validationMode: 'strict' });
    let isStopped = false;
    const copy = makeCopyMatching({
      ...deps,
      pageSize: 2,
      stopIfStrict: makeStopIfStrict({ ...deps, settings }),
      throttle: {
        refresh: async () => {
          const now = await settings.read();
          isStopped = now.copy.stopped;
          return now;
        },
        isStopped: () => isStopped,
      },
    });

    const answer = await copy(
      { category: 'user-sessions', filter: { name: 'payload', values: ['odd'] }, cursor: null },
      Infinity,
    );

    expect(answer).toMatchObject({ stopped: true, counts: { read: 2, quarantined: 1 } });
    expect(answer.cursor).not.toBeNull();
  });
});

async function withRelay() {
  const migration = await sixSessions();
  const { deps, changeQueue, messages } = migration;
  const { makeRelayChanges } = await import('../../../lib/migration/relay-changes.ts');
  const { makeApplyChanges } = await import('../../../lib/migration/apply-changes.ts');
  const relay = makeRelayChanges({ ...deps, queue: changeQueue });
  const apply = makeApplyChanges(deps);
  const relayed = async (): Promise<void> => {
    await relay('user-sessions');
    for (const message of messages.splice(0)) await apply(message);
  };
  return { ...migration, relayed };
}

describe('a filter', () => {
  const nowMs = Date.parse('2026-03-01T00:00:00Z');

  it.each(['', 'active', '=true', 'active=', ' =x'])('written %j is refused', (text) => {
    expect(() => parseRowFilter(text)).toThrow(expect.objectContaining({ name: 'FilterInvalid' }));
  });

  it('names a column, and may have several values', () => {
    expect(parseRowFilter('kind= metrics, logs')).toEqual({ name: 'kind', values: ['metrics', 'logs'] });
  });

  it('applies not to rows that have nothing of its name', () => {
    const user = tableOf(hal9Definition, 'user');

    expect(matchRow({ name: 'layer', values: ['substrate'] }, user, { id: 'u' }, nowMs)).toBe('applies-not');
  });
});
