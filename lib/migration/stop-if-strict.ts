import type { Clock } from '../kernel/clock.ts';
import type { MigrationDefinition } from './definition.ts';
import type { QuarantineStore, RangeCounts } from './ports.ts';
import type { SettingsStore } from './settings.ts';
import { categoriesOf } from './table-lookup.ts';

export interface StopIfStrictDeps {
  readonly definition: MigrationDefinition;
  readonly settings: SettingsStore;
  readonly quarantine: Pick<QuarantineStore, 'countUnconverted'>;
  readonly clock: Clock;
}

export type StopIfStrict = (page: Pick<RangeCounts, 'quarantined'>) => Promise<void>;

/** Who the settings name as having stopped the copy. */
const strictValidation = 'strict validation';

/**
 * Under strict validation stops the copy for every worker once more records are in quarantine than may be. Only a page
 * that added to them is a reason to count, and what a restore or a repair set aside is not among them.
 */
export function makeStopIfStrict(deps: StopIfStrictDeps): StopIfStrict {
  return async ({ quarantined }) => {
    if (quarantined === 0) return;
    const { validationMode, quarantineLimit, copy } = await deps.settings.read();
    if (validationMode === 'lenient' || copy.stopped) return;
    const counts = await Promise.all(
      categoriesOf(deps.definition).map((category) => deps.quarantine.countUnconverted(category)),
    );
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total <= quarantineLimit) return;
    const found = total === 1 ? '1 record is' : `${total} records are`;
    const reason = `${found} in quarantine, and strict validation admits ${quarantineLimit}`;
    await deps.settings.change({
      copy: { stopped: true, by: strictValidation, reason, sinceMs: deps.clock.nowMs() },
    });
  };
}
