import { expect, it } from 'vitest';

import { makeSwitchAuthority } from '../../../lib/migration/switch-authority.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const category = 'user-sessions';
const forward = { category, to: 'hierarchical', requestedBy: 'ann' } as const;

it('a switch is refused while deletions may be unlogged, and given up when they may be since it began', async () => {
  const { deps, copyEverything, source } = migrationInMemory();
  await copyEverything();
  const gap = { looks: 0, fromLook: 1 };
  const logGap = (): Promise<number | null> => {
    gap.looks += 1;
    return Promise.resolve(gap.looks >= gap.fromLook ? 7 : null);
  };
  const switchAuthority = makeSwitchAuthority({ ...deps, source: { ...source, logGap } });

  await expect(switchAuthority.switchTo(forward)).rejects.toMatchObject({ name: 'ChangeLogInterrupted' });
  expect(await deps.switches.current(category)).toBeNull();
  gap.fromLook = gap.looks + 2;
  await expect(switchAuthority.switchTo(forward)).rejects.toMatchObject({ name: 'ChangeLogInterrupted' });

  expect(await deps.switches.current(category)).toMatchObject({ stage: 'aborted' });
  expect(await source.authority(category)).toEqual({ epoch: 1, state: 'open' });
});
