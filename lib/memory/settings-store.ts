import { applyChange, defaultSettings, type SettingsStore } from '../migration/settings.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemorySettingsStore(interleave: Interleave = uninterrupted): SettingsStore {
  let settings = defaultSettings;
  return {
    read: () => observation(interleave, 'settings.read', () => settings),
    change: (change) =>
      transaction(interleave, 'settings.change', () => {
        const before = settings;
        settings = applyChange(before, change);
        return { before, after: settings };
      }),
  };
}
