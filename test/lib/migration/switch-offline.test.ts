import { describe, expect, it } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import { drainReverse } from '../../../lib/migration/drain-reverse.ts';
import { makeReverseChanges } from '../../../lib/migration/reverse-changes.ts';
import { sealRecord } from '../../../lib/migration/record-hash.ts';
import { makeSwitchAuthority } from '../../../lib/migration/switch-authority.ts';
import { restoreFlatAuthority } from '../../../lib/rollback/restore-authority.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const category = 'user-sessions';
const forward = { category, to: 'hierarchical', requestedBy: 'ann' } as const;
const back = { category, to: 'flat', requestedBy: 'ann' } as const;

async function offlineMigration() {
  const { deps, copyEverything, source } = migrationInMemory();
  await copyEverything();
  const offline: FlatSource = {
    ...source,
    isOffline: true,
    applyReverse: (_category, changes) => Promise.resolve(changes.map(() => 'not-kept' as const)),
  };
  return { ...deps, source: offline };
}

describe('authority over a store that is only read', () => {
  it('goes forward, and is refused the way back by name', async () => {
    const deps = await offlineMigration();
    const switchAuthority = makeSwitchAuthority(deps);

    expect(await switchAuthority.switchTo(forward)).toMatchObject({ kind: 'switched', record: { epoch: 2 } });

    await expect(switchAuthority.switchTo(back)).rejects.toMatchObject({ name: 'SourceOffline' });
    expect(await deps.source.authority(category)).toEqual({ epoch: 2, state: 'following' });
    const items = await deps.authority.readAll(category);
    expect(items.every((item) => item.side === 'hierarchical' && !item.fenced)).toBe(true);
  });

  it('keeps what flat lacks pending, and never waits for it to become less', async () => {
    const deps = await offlineMigration();
    await makeSwitchAuthority(deps).switchTo(forward);
    const removed: unknown[] = [];
    const reversePending = {
      ...deps.reversePending,
      remove: (entry: unknown) => Promise.resolve(void removed.push(entry)),
    };
    const record = sealRecord({
      key: { recordType: 'session', id: 'a' },
      category,
      version: { epoch: 2, sequence: 1 },
      state: 'tombstone',
      origin: 'hierarchical',
      body: null,
    });

    expect(await makeReverseChanges({ ...deps, reversePending })([{ ...record, intact: true }])).toEqual([
      'applied',
    ]);

    expect(removed).toEqual([]);
    await expect(drainReverse(deps, category)).rejects.toMatchObject({ name: 'SourceOffline' });
  });

  it('stays where it is at a rollback, which is then complete all the same', async () => {
    const deps = await offlineMigration();
    const switchAuthority = makeSwitchAuthority(deps);
    await switchAuthority.switchTo(forward);
    const invoker = {
      invoke: async (_name: string, request: unknown): Promise<unknown> =>
        await switchAuthority.switchTo(request as typeof back),
    };

    expect(await restoreFlatAuthority(invoker, category, 'alarm')).toBe('stays');
    const broken = { invoke: () => Promise.reject(new HalError({ name: 'Other', message: '', remedy: '' })) };
    await expect(restoreFlatAuthority(broken, category, 'alarm')).rejects.toMatchObject({ name: 'Other' });
  });
});
