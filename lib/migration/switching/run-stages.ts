import { HalError } from '../../kernel/errors.ts';
import { attemptOf } from '../admission.ts';
import type { SwitchRecord } from '../ports.ts';
import { noStallLimit, stallLimit } from '../switch-guards.ts';
import { backward } from './backward.ts';
import type { SwitchAuthorityDeps } from './deps.ts';
import { conflict } from './errors.ts';
import { forward } from './forward.ts';
import { unfenceOldSide, type StageContext } from './stage.ts';

async function contextOf(
  deps: SwitchAuthorityDeps,
  record: SwitchRecord,
  start: 'begun' | 'resumed',
): Promise<StageContext> {
  const { clock, guards } = deps;
  const limitMs = guards === null ? null : (await guards.settings.read()).switchLimits.stallMs;
  return {
    fenceBeganMs: () => (start === 'resumed' ? record.startedAtMs : clock.nowMs()),
    stallOf({ category, fencedAtMs }) {
      if (limitMs === null || fencedAtMs === null) return noStallLimit;
      return stallLimit(category, { limitMs, waitedMs: () => clock.nowMs() - fencedAtMs });
    },
  };
}

export async function runStages(
  deps: SwitchAuthorityDeps,
  begun: SwitchRecord,
  start: 'begun' | 'resumed',
): Promise<SwitchRecord> {
  const context = await contextOf(deps, begun, start);
  let record = begun;
  while (record.stage !== 'done') {
    if (record.stage === 'aborted') return await stopAborted(deps, record);
    const stage = record.to === 'hierarchical' ? forward[record.stage] : backward[record.stage];
    const next = await stage(deps, record, context);
    const advanced = next !== null && (await deps.switches.advance(next, record.stage));
    record = advanced ? next : await rereadRecord(deps, record);
  }
  return record;
}

/** What the store says now, when this executor's view of the switch is outdated. */
async function rereadRecord(deps: SwitchAuthorityDeps, seen: SwitchRecord): Promise<SwitchRecord> {
  const present = await deps.switches.current(seen.category);
  const isSame = present?.epoch === seen.epoch && attemptOf(present) === attemptOf(seen);
  if (present === null || !isSame || present.to !== seen.to) {
    throw conflict(seen, 'the category went on to another switch');
  }
  if (present.stage === seen.stage) throw conflict(seen, `the old side is not at epoch ${seen.epoch - 1}`);
  return present;
}

/** Aborted in the middle of this executor's fence, which must not stay behind. */
async function stopAborted(deps: SwitchAuthorityDeps, record: SwitchRecord): Promise<never> {
  await unfenceOldSide(deps, record);
  throw new HalError({
    name: 'SwitchAborted',
    message: `the switch of ${record.category} to ${record.to} was aborted`,
    remedy: 'start it again when the reason of the abort is gone',
    exit: 'conflict',
    facts: { ...record },
  });
}
