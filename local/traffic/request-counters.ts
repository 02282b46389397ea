import type { RecordOrigin } from '../../lib/migration/record.ts';
import type { SystemStats, TrafficStats } from './traffic-control.ts';

export interface FinishedRequest {
  readonly startedAt: number;
  readonly endedAt: number;
  /** What went wrong; null when it was answered properly. */
  readonly failure: string | null;
  /** null: the answer does not say, or there is none. */
  readonly servedBy: RecordOrigin | null;
}

export interface RequestCounters {
  finished(request: FinishedRequest): void;
  beginFault(at: number): void;
  endFault(at: number): void;
  stats(): Pick<TrafficStats, 'requests' | 'failed' | 'failedDuringFault' | 'bySystem' | 'failures'>;
}

const latencyWindow = 1_000;
const keptFailures = 50;

export function makeRequestCounters(): RequestCounters {
  const faults: { from: number; to: number }[] = [];
  const failures: string[] = [];
  const systems = { flat: makeSystemCounter(), hierarchical: makeSystemCounter() };
  let requests = 0;
  let failed = 0;
  let failedDuringFault = 0;

  const countFailure = (request: FinishedRequest, failure: string): void => {
    const isDuringFault = faults.some(({ from, to }) => request.startedAt <= to && request.endedAt >= from);
    if (isDuringFault && request.servedBy !== 'flat') {
      failedDuringFault += 1;
      return;
    }
    failed += 1;
    if (failures.length < keptFailures) failures.push(failure);
  };

  return {
    finished(request) {
      requests += 1;
      if (request.servedBy !== null) systems[request.servedBy].add(request);
      if (request.failure !== null) countFailure(request, request.failure);
    },
    beginFault: (at) => {
      faults.push({ from: at, to: Infinity });
    },
    endFault(at) {
      for (const fault of faults) fault.to = Math.min(fault.to, at);
    },
    stats: () => ({
      requests,
      failed,
      failedDuringFault,
      failures: [...failures],
      bySystem: { flat: systems.flat.stats(), hierarchical: systems.hierarchical.stats() },
    }),
  };
}

function makeSystemCounter(): { add(request: FinishedRequest): void; stats(): SystemStats } {
  const latencies: number[] = [];
  let requests = 0;
  let failed = 0;
  return {
    add({ startedAt, endedAt, failure }) {
      latencies[requests % latencyWindow] = endedAt - startedAt;
      requests += 1;
      if (failure !== null) failed += 1;
    },
    stats() {
      const sorted = latencies.toSorted((left, right) => left - right);
      const p99Ms = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
      return { requests, failed, p99Ms };
    },
  };
}
