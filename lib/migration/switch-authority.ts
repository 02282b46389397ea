import { attemptOf } from './admission.ts';
import type { Category } from './category.ts';
import type { SwitchRecord } from './ports.ts';
import type { SwitchAuthorityDeps, SwitchRequest } from './switching/deps.ts';
import { conflict, tooFar, underWay } from './switching/errors.ts';
import { requireReady } from './switching/readiness.ts';
import { runStages } from './switching/run-stages.ts';
import { unfenceOldSide } from './switching/stage.ts';

export type SwitchResult =
  | { readonly kind: 'switched'; readonly record: SwitchRecord }
  | { readonly kind: 'already-there'; readonly epoch: number }
  | { readonly kind: 'aborted'; readonly record: SwitchRecord }
  | { readonly kind: 'nothing-to-abort' };

export interface SwitchAuthority {
  /**
   * Moves one category: fence the old side, apply everything up to its last version, open the new side at the next
   * epoch. Interrupted anywhere, the same call resumes. Throws HalError `BackfillIncomplete`, `ChangeLogInterrupted`,
   * `LayersNotPublished`, `RelayLagTooHigh`, `ReversePathUnproven`, `SourceOffline`, `SwitchStalled`, `SwitchUnderWay`,
   * `SwitchAborted` or `AuthorityConflict`.
   */
  switchTo(request: SwitchRequest): Promise<SwitchResult>;
  /** Gives the old side back its writes; refused (HalError `SwitchTooFar`) once the new side is being opened. */
  abort(category: Category): Promise<SwitchResult>;
}

export function makeSwitchAuthority(deps: SwitchAuthorityDeps): SwitchAuthority {
  return {
    async switchTo(request) {
      // Authority first: a switch that already opened the new side is then found under way, or done.
      const flat = await deps.source.authority(request.category);
      const last = await deps.switches.current(request.category);
      if (last !== null && isUnderWay(last)) {
        if (last.to !== request.to) throw underWay(last);
        return { kind: 'switched', record: await runStages(deps, last, 'resumed') };
      }
      const present = flat.state === 'following' ? 'hierarchical' : 'flat';
      if (present === request.to) return { kind: 'already-there', epoch: flat.epoch };
      const begun = await beginSwitch(deps, request, { epoch: flat.epoch + 1, last });
      return { kind: 'switched', record: await runStages(deps, begun, 'begun') };
    },
    async abort(category) {
      const last = await deps.switches.current(category);
      if (last === null || last.stage === 'done') return { kind: 'nothing-to-abort' };
      if (last.stage === 'opening') throw tooFar(last);
      const aborted: SwitchRecord = { ...last, stage: 'aborted' };
      if (last.stage !== 'aborted' && !(await deps.switches.advance(aborted, last.stage))) {
        throw conflict(last, 'it moved on while it was being aborted');
      }
      await unfenceOldSide(deps, aborted);
      return { kind: 'aborted', record: aborted };
    },
  };
}

function isUnderWay({ stage }: SwitchRecord): boolean {
  return stage !== 'done' && stage !== 'aborted';
}

async function beginSwitch(
  deps: SwitchAuthorityDeps,
  request: SwitchRequest,
  { epoch, last }: { readonly epoch: number; readonly last: SwitchRecord | null },
): Promise<SwitchRecord> {
  const { category } = request;
  const canaryMs = await requireReady(deps, request);
  await deps.authority.initialize(category, epoch - 1);
  const record: SwitchRecord = {
    ...request,
    epoch,
    ...(last?.stage === 'aborted' ? { attempt: attemptOf(last) + 1 } : {}),
    stage: 'fencing',
    startedAtMs: deps.clock.nowMs(),
    fencedAtMs: null,
    openedAtMs: null,
    ...(canaryMs === null ? {} : { canaryMs }),
  };
  if (await deps.switches.begin(record)) return record;
  const present = await deps.switches.current(category);
  if (present?.epoch === epoch && present.to === request.to && isUnderWay(present)) return present;
  throw conflict(record, 'another switch of the category began');
}
