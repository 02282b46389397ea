import type { AuditLog } from '../../audit/ports.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CopyStop, MigrationSettings } from '../../migration/settings.ts';
import type { FunctionInvoker } from '../function-invoker.ts';

export interface StopCopyDeps {
  readonly invoker: FunctionInvoker;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export interface StopRequest {
  readonly by: string;
  readonly reason: string;
}

/** Workers end their page, keep its checkpoint and take no further range. Repeated, the first stop stays. */
export async function stopCopy(
  deps: StopCopyDeps,
  present: CopyStop,
  request: StopRequest,
): Promise<CopyStop> {
  return present.stopped ? present : await setStop(deps, request, true);
}

/** The copy goes on behind its checkpoints at once. Repeated, nothing changes. */
export async function resumeCopy(
  deps: StopCopyDeps,
  present: CopyStop,
  request: StopRequest,
): Promise<CopyStop> {
  const copy = present.stopped ? await setStop(deps, request, false) : present;
  await deps.invoker.invoke('plan-batches', { action: 'resume-all' });
  return copy;
}

async function setStop(deps: StopCopyDeps, { by, reason }: StopRequest, stopped: boolean): Promise<CopyStop> {
  const copy: CopyStop = { stopped, by, reason, sinceMs: deps.clock.nowMs() };
  const { after } = (await deps.invoker.invoke('plan-batches', {
    action: 'configure',
    change: { copy },
  })) as {
    after: MigrationSettings;
  };
  const action = stopped ? 'stop-copy' : 'resume-copy';
  await deps.audit.append({
    atMs: copy.sinceMs,
    principal: `operator:${by}`,
    action,
    facts: { reason },
  });
  return after.copy;
}
