import type { HealthProbe } from '../monitoring/ports.ts';
import type { MeasuredSystem } from '../monitoring/metric-names.ts';

export interface HealthProbeDeps {
  readonly origins: Readonly<Record<MeasuredSystem, string>>;
  /** From the connection to the end of the answer; 3 s when left out. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 3_000;

/** `GET /health` of each origin; only a 2xx answer within the time is healthy. */
export function makeHealthProbe({ origins, deadlineMs }: HealthProbeDeps): HealthProbe {
  return {
    async check(system) {
      const signal = AbortSignal.timeout(deadlineMs ?? defaultDeadlineMs);
      try {
        const answer = await fetch(new URL('/health', origins[system]), { redirect: 'manual', signal });
        await answer.arrayBuffer();
        return { healthy: answer.ok, detail: `status ${answer.status}` };
      } catch (fault) {
        return {
          healthy: false,
          detail: fault instanceof Error ? `${fault.name}: ${fault.message}` : String(fault),
        };
      }
    },
  };
}
