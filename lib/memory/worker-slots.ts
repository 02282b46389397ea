import type { WorkerReport, WorkerSlots } from '../migration/worker-report.ts';
import { transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemoryWorkerSlots(interleave: Interleave = uninterrupted): WorkerSlots {
  const leases = new Map<number, { owner: string; untilMs: number }>();
  const reports = new Map<number, WorkerReport>();
  const run = <Result>(name: string, effect: () => Result): Promise<Result> =>
    transaction(interleave, `slots.${name}`, effect);
  return {
    take: (owner, slotCount, nowMs, leaseMs) =>
      run('take', () => {
        for (let slot = 0; slot < slotCount; slot += 1) {
          const lease = leases.get(slot);
          if (lease !== undefined && lease.untilMs > nowMs && lease.owner !== owner) continue;
          leases.set(slot, { owner, untilMs: nowMs + leaseMs });
          return slot;
        }
        return null;
      }),
    report: (slot, owner, report, leaseMs) =>
      run('report', () => {
        if (leases.get(slot)?.owner !== owner) return false;
        leases.set(slot, { owner, untilMs: report.atMs + leaseMs });
        const before = reports.get(slot)?.totalWriteUnits ?? 0;
        reports.set(slot, { ...report, slot, owner, totalWriteUnits: before + report.writeUnits });
        return true;
      }),
    leave: (slot, owner) =>
      run('leave', () => {
        if (leases.get(slot)?.owner === owner) leases.delete(slot);
      }),
    list: () => run('list', () => [...reports.values()].toSorted((left, right) => left.slot - right.slot)),
  };
}
