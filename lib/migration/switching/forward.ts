import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../category.ts';
import { drainForward } from '../drain-forward.ts';
import { requireUninterruptedLog } from '../log-gaps.ts';
import type { SwitchAuthorityDeps } from './deps.ts';
import { untilShort } from './until-short.ts';
import { giveUpForFault, openedNow, type RunningStage, type Stage } from './stage.ts';

/** Faults of a drain that waiting does not mend. */
const endsSwitch: readonly string[] = ['SwitchStalled', 'ChangeLogInterrupted'];

export const forward: Record<RunningStage, Stage> = {
  async fencing(deps, record, context) {
    const { category, epoch } = record;
    await catchUp(deps, category);
    const fencedAtMs = context.fenceBeganMs();
    const fence = await deps.source.fence(category, epoch - 1);
    if (!fence.fenced) return null;
    return { ...record, stage: 'draining', fencedAtMs };
  },
  async draining(deps, record, context) {
    const fence = await deps.source.fence(record.category, record.epoch - 1);
    if (!fence.fenced) return null;
    const stall = context.stallOf(record);
    try {
      await drainForward(deps, record.category, fence.last.sequence, () => stall.check());
      stall.check();
      // The log may have been lost, and put up again, since the switch began.
      await requireUninterruptedLog(deps.source, record.category);
    } catch (fault) {
      if (fault instanceof HalError && endsSwitch.includes(fault.name)) {
        return await giveUpForFault(deps, record, fault);
      }
      throw fault;
    }
    return { ...record, stage: 'opening' };
  },
  async opening(deps, record) {
    const { category, epoch } = record;
    while (!(await deps.source.follow(category, epoch))) {
      const fence = await deps.source.fence(category, epoch - 1);
      if (!fence.fenced) return null;
      await drainForward(deps, category, fence.last.sequence);
    }
    // An abort that woke up late may have lifted the fence for a while, and another executor put it back. Now that flat
    // follows nothing does that any more: what was written meanwhile is applied before anybody writes elsewhere.
    const { sequence } = await deps.source.lowWatermark(category);
    await drainForward(deps, category, sequence);
    await deps.authority.open(category, 'hierarchical', epoch);
    return openedNow(deps, record);
  },
};

/** Most of the log is applied before the fence, so that writers wait for the rest only. */
function catchUp(deps: SwitchAuthorityDeps, category: Category): Promise<void> {
  return untilShort(deps.clock, async () => {
    const { sequence } = await deps.source.lowWatermark(category);
    await drainForward(deps, category, sequence);
  });
}
