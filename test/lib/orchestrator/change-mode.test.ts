import { describe, expect, it } from 'vitest';

import { setFeature } from '../../../lib/flags/edit.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';
import { makeFlagStore } from '../../../lib/memory/flag-store.ts';
import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import type { SettingsChange } from '../../../lib/migration/settings.ts';
import {
  disableMigrationMode,
  enableMigrationMode,
  moveAuthority,
  requireFlatAuthority,
} from '../../../lib/orchestrator/operations/change-mode.ts';

const copied = { plannedRanges: 4, completeRanges: 4, complete: true };

/** Two categories; the functions answer as the deployed ones do. */
function aSystem() {
  const settings = makeMemorySettingsStore();
  const flags = makeFlagStore();
  const audit = makeMemoryAuditLog();
  const sides = new Map([
    ['user-sessions', 'open'],
    ['metadata', 'open'],
  ]);
  const calls: string[] = [];
  const invoker = {
    invoke: async (folder: string, payload: unknown): Promise<unknown> => {
      const request = payload as { action?: string; category?: string; to?: string; change?: SettingsChange };
      calls.push([folder, request.action, request.category, request.to].filter(Boolean).join(' '));
      if (folder === 'plan-batches') return await settings.change(request.change ?? {});
      if (folder === 'switch-authority') {
        sides.set(request.category ?? '', request.to === 'flat' ? 'open' : 'following');
        return { kind: 'switched' };
      }
      const categories = [...sides].map(([category, state]) => ({
        category,
        authority: { epoch: 1, state },
        switch: null,
        backfill: copied,
      }));
      return { changeLogInstalled: true, categories, settings: await settings.read() };
    },
  };
  const nonCriticalFeatures = ['meta_learning', 'meta_cognition'];
  const nonCriticalJobs = ['memory-cleanup', 'report-generation'];
  const deps = { invoker, flags, audit, clock: { nowMs: () => 5_000 }, nonCriticalFeatures, nonCriticalJobs };
  return { deps, calls, flags, audit, settings };
}

const stamp = { updatedBy: 'ann', atMs: 1, reason: 'before' };

describe('the migration mode', () => {
  it('installs the change log, pauses what is declared and was on, and says who did it', async () => {
    const { deps, calls, flags, audit, settings } = aSystem();
    await flags.writeFlags({
      edit: setFeature('meta_learning', { enabled: true, thousandths: 40_000 }, stamp),
    });

    await enableMigrationMode(deps, { by: 'ann' });
    await enableMigrationMode(deps, { by: 'bob' });

    expect(calls[0]).toBe('prepare-source install');
    expect((await flags.readFlags()).document.features['meta_learning']?.enabled).toBe(false);
    expect((await settings.read()).migrationMode).toEqual({
      enabled: true,
      sinceMs: 5_000,
      by: 'ann',
      paused: ['meta_learning'],
      pausedJobs: ['memory-cleanup', 'report-generation'],
    });
    const records = await audit.list(0, 10);
    expect(records.map(({ principal, action }) => [principal, action])).toEqual([
      ['operator:ann', 'enable-migration-mode'],
    ]);
  });

  it('turns on again at its end what it paused, at the share it had, and nothing else', async () => {
    const { deps, flags, settings } = aSystem();
    await flags.writeFlags({
      edit: setFeature('meta_learning', { enabled: true, thousandths: 40_000 }, stamp),
    });
    await enableMigrationMode(deps, { by: 'ann' });

    await disableMigrationMode(deps, { by: 'ann' });

    const { features } = (await flags.readFlags()).document;
    expect(features['meta_learning']).toEqual({ enabled: true, thousandths: 40_000 });
    expect(features['meta_cognition']?.enabled ?? false).toBe(false);
    expect((await settings.read()).migrationMode).toMatchObject({ enabled: false, paused: [] });
  });
});

describe('the authority over the categories', () => {
  it('moves one after the other, each with a record in the audit', async () => {
    const { deps, calls, audit } = aSystem();

    expect(await moveAuthority(deps, { to: 'hierarchical', categories: null, by: 'ann' })).toEqual([
      'user-sessions',
      'metadata',
    ]);

    expect(calls.filter((call) => call.startsWith('switch'))).toEqual([
      'switch-authority switch user-sessions hierarchical',
      'switch-authority switch metadata hierarchical',
    ]);
    expect((await audit.list(0, 10)).map(({ facts }) => facts['category'])).toEqual([
      'user-sessions',
      'metadata',
    ]);
  });

  it('moves over the neurons when their layers are published, which it sees to itself', async () => {
    const { deps, calls } = aSystem();
    const { invoke } = deps.invoker;
    let published = false;
    const answers: { done: boolean }[] = [
      { done: false, cursor: 'a' } as { done: boolean },
      { done: true, faulty: [], survey: { findings: [] } } as { done: boolean },
    ];
    deps.invoker.invoke = async (folder, payload) => {
      if (folder === 'examine-neurons') {
        const answer = answers.shift();
        published = answer?.done === true;
        return answer;
      }
      if (folder === 'switch-authority' && !published)
        throw new HalError({ name: 'LayersNotPublished', message: 'none', remedy: 'verify' });
      return await invoke(folder, payload);
    };

    await moveAuthority(deps, { to: 'hierarchical', categories: ['metadata'], by: 'ann' });
    expect(calls).toContain('switch-authority switch metadata hierarchical');

    published = false;
    answers.push({ done: true, faulty: ['protocol'], survey: { findings: [] } } as { done: boolean });
    await expect(
      moveAuthority(deps, { to: 'hierarchical', categories: ['user-sessions'], by: 'ann' }),
    ).rejects.toMatchObject({ name: 'LayersUnsound', exit: 'gateFailed' });
  });

  it('goes back to flat only when told so expressly', async () => {
    const { deps } = aSystem();
    await requireFlatAuthority(deps);
    await moveAuthority(deps, { to: 'hierarchical', categories: ['metadata'], by: 'ann' });

    await expect(requireFlatAuthority(deps)).rejects.toMatchObject({
      name: 'AuthorityMoved',
      facts: { categories: ['metadata'] },
    });

    expect(await moveAuthority(deps, { to: 'flat', categories: null, by: 'ann' })).toEqual(['metadata']);
    await requireFlatAuthority(deps);
  });
});
