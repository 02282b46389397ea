import { describe, expect, it } from 'vitest';

import { defaultSettings, type SettingsStore } from '../../lib/migration/settings.ts';

export function settingsStoreContract(name: string, makeAdapter: () => Promise<SettingsStore>): void {
  describe(`settings store: ${name}`, () => {
    it('has the defaults until something is changed, and changes only what is named', async () => {
      const settings = await makeAdapter();
      expect(await settings.read()).toEqual(defaultSettings);

      await settings.change({ rateLimitPerWorker: 100, reconciliation: { autoFix: false } });
      const { before, after } = await settings.change({ parallelWorkers: 4 });

      expect(before).toMatchObject({ rateLimitPerWorker: 100, parallelWorkers: null });
      expect(after).toEqual({
        ...defaultSettings,
        rateLimitPerWorker: 100,
        parallelWorkers: 4,
        reconciliation: { ...defaultSettings.reconciliation, autoFix: false },
      });
      expect(await settings.read()).toEqual(after);
    });

    it('loses nothing when two operators change it at once', async () => {
      const settings = await makeAdapter();

      await Promise.all([
        settings.change({ rateLimitPerWorker: 50 }),
        settings.change({ parallelWorkers: 2 }),
        settings.change({ batchSize: 500 }),
      ]);

      expect(await settings.read()).toMatchObject({
        rateLimitPerWorker: 50,
        parallelWorkers: 2,
        batchSize: 500,
      });
    });

    it('refuses a value that no worker could keep to', async () => {
      const settings = await makeAdapter();

      await expect(settings.change({ writeUnitsPerSecond: 10 })).rejects.toMatchObject({
        name: 'SettingOutOfRange',
      });
      expect(await settings.read()).toEqual(defaultSettings);
    });
  });
}
