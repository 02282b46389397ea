import { describeHeldLog, heldLogPercent, highHeldLogPercent } from '../../lib/migration/held-log.ts';
import type { StateDescription } from '../../lib/migration/state-description.ts';
import { commonMode, writeModeOf, type WriteMode } from '../../lib/migration/write-mode.ts';
import { duration } from './quantities.ts';
import { paint } from './terminal.ts';

const meaning: Readonly<Record<WriteMode, string>> = {
  'flat-only': 'flat has authority, nothing is copied',
  'dual-write': 'flat has authority, its change log feeds the hierarchical side',
  'hierarchical-only': 'the hierarchical side has authority, the reverse path keeps flat current',
  switching: 'the authority is on its way',
};

/** `Write Mode: …` for all, then one line for each category and its last switch. */
export function modeLines(description: StateDescription): readonly string[] {
  const { migrationMode } = description.settings;
  const modes = description.categories.map(
    (status) => [status.category, writeModeOf(status, migrationMode)] as const,
  );
  const isUnknown = description.heldLog?.isLost === true;
  const common = modes.length === 0 ? (isUnknown ? 'unknown' : 'flat-only') : commonMode(modes);
  const lines = modes.map(([category, mode], at) => {
    const last = description.categories[at]?.switch;
    const stall =
      last?.stallMs === undefined ? '' : `; writers waited ${duration(last.stallMs)} at the last switch`;
    return `  ${category.padEnd(16)} ${mode.padEnd(18)} ${meaning[mode]}${stall}`;
  });
  const resting = [...migrationMode.paused, ...(migrationMode.pausedJobs ?? [])];
  const paused = resting.length === 0 ? '' : `, paused: ${resting.join(', ')}`;
  return [
    `Write Mode: ${common ?? 'by category'}`,
    `Migration mode: ${migrationMode.enabled ? `on, by ${migrationMode.by}${paused}` : 'off'}`,
    ...lines,
  ];
}

/** What the flat store keeps for the migration, and what its change log may lack; nothing where it keeps nothing. */
export function changeLogLines({
  heldLog,
  logGaps,
}: Pick<StateDescription, 'heldLog' | 'logGaps'>): readonly string[] {
  const lines: string[] = [];
  if (heldLog !== null) {
    const text = `Write-ahead log: ${describeHeldLog(heldLog)}`;
    lines.push(heldLogPercent(heldLog) >= highHeldLogPercent ? paint('bad', text) : text);
  }
  if (heldLog?.isLost === true)
    lines.push('  hal9-migrate state migrate puts up a new slot and logs every row once more');
  if (logGaps.length > 0) {
    lines.push(
      paint('bad', `Deletions may be missing: ${logGaps.join(', ')} had no change log for a while`),
      '  hal9-migrate reconcile --full --fix-mode auto compares everything and mends it',
    );
  }
  return lines;
}
