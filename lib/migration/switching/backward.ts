import { groupCount } from '../bucket.ts';
import { drainReverse } from '../drain-reverse.ts';
import type { SwitchRecord } from '../ports.ts';
import type { SwitchAuthorityDeps } from './deps.ts';
import { untilShort } from './until-short.ts';
import { giveUpForFault, openedNow, type RunningStage, type Stage } from './stage.ts';

export const backward: Record<RunningStage, Stage> = {
  async fencing(deps, record, context) {
    // Most of what flat lacks is carried over before the fence, so that writers wait for the rest only.
    try {
      await untilShort(deps.clock, async () => void (await drainReverse(deps, record.category)));
    } catch (fault) {
      return await giveUpForFault(deps, record, fault);
    }
    const fencedAtMs = context.fenceBeganMs();
    await deps.authority.fence(record.category, record.epoch - 1);
    return { ...record, stage: 'draining', fencedAtMs };
  },
  async draining(deps, record) {
    await deps.authority.fence(record.category, record.epoch - 1);
    try {
      if (!(await drainReverse(deps, record.category))) return null;
      await deps.source.requireFitting(record.category);
    } catch (fault) {
      return await giveUpForFault(deps, record, fault);
    }
    return { ...record, stage: 'opening' };
  },
  async opening(deps, record) {
    const { category, epoch } = record;
    await requireFenced(deps, record);
    if (!(await deps.source.open(category, epoch))) return null;
    await deps.authority.open(category, 'flat', epoch);
    return openedNow(deps, record);
  },
};

/** Nothing but an abort lifts a fence, and none is possible any more: looked at once more before flat opens. */
async function requireFenced(deps: SwitchAuthorityDeps, record: SwitchRecord): Promise<void> {
  const items = await deps.authority.readAll(record.category);
  const closed = items.filter((item) => item.fenced || item.epoch >= record.epoch);
  if (items.length === groupCount && closed.length === groupCount) return;
  await deps.authority.fence(record.category, record.epoch - 1);
  await drainReverse(deps, record.category);
}
