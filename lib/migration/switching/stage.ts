import { HalError } from '../../kernel/errors.ts';
import type { SwitchRecord } from '../ports.ts';
import type { StallLimit } from '../switch-guards.ts';
import type { SwitchAuthorityDeps } from './deps.ts';

export interface StageContext {
  /** When the fence may have begun to hold writers up; a crash may have left it standing. */
  fenceBeganMs(): number;
  stallOf(record: SwitchRecord): StallLimit;
}

/** Each stage is idempotent and returns the record of the next one, or null when somebody else moved on. */
export type Stage = (
  deps: SwitchAuthorityDeps,
  record: SwitchRecord,
  context: StageContext,
) => Promise<SwitchRecord | null>;

export type RunningStage = Exclude<SwitchRecord['stage'], 'done' | 'aborted'>;

export async function unfenceOldSide(
  deps: SwitchAuthorityDeps,
  { category, to, epoch }: SwitchRecord,
): Promise<void> {
  if (to === 'hierarchical') await deps.source.unfence(category, epoch - 1);
  else await deps.authority.unfence(category, epoch - 1);
}

export function openedNow(deps: SwitchAuthorityDeps, record: SwitchRecord): SwitchRecord {
  const openedAtMs = deps.clock.nowMs();
  return { ...record, stage: 'done', openedAtMs, ...stallUntil(record, openedAtMs) };
}

/** How long writers waited. */
function stallUntil({ fencedAtMs }: SwitchRecord, atMs: number): Pick<SwitchRecord, 'stallMs'> {
  return fencedAtMs === null ? {} : { stallMs: Math.max(0, atMs - fencedAtMs) };
}

/**
 * A record that cannot go back to flat is mended by writing it again, for which its side must take writes. What only
 * takes time, like a lock or a store that cannot be reached, leaves the switch where it is, to be resumed.
 */
export async function giveUpForFault(
  deps: SwitchAuthorityDeps,
  record: SwitchRecord,
  fault: unknown,
): Promise<never> {
  const isOfData = fault instanceof HalError && fault.exit !== 'unavailable';
  const aborted: SwitchRecord = { ...record, stage: 'aborted', ...stallUntil(record, deps.clock.nowMs()) };
  if (isOfData && (await deps.switches.advance(aborted, record.stage))) await unfenceOldSide(deps, aborted);
  throw fault;
}
