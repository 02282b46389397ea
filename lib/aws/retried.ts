import type { Sleeper } from '../kernel/clock.ts';
import { backoffMs } from './backoff.ts';
import { cancellationReasons, isRetryableCode, isRetryableFault } from './faults.ts';

const maxAttempts = 10;

/**
 * Repeats what conflicted or was throttled, up to ten attempts, then throws the last fault. The SDK repeats a
 * throttled request by itself, but neither a cancelled transaction nor a transaction conflict.
 */
export async function retried<Result>(sleeper: Sleeper, work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (fault) {
      if (attempt + 1 >= maxAttempts || !isWorthRepeating(fault)) throw fault;
      await sleeper.sleep(backoffMs(attempt));
    }
  }
}

/** A cancelled transaction is worth repeating when every reason given is a conflict or throttling. */
function isWorthRepeating(fault: unknown): boolean {
  const reasons = cancellationReasons(fault);
  if (reasons === null) return isRetryableFault(fault);
  const given = reasons.filter(({ Code }) => Code !== undefined && Code !== 'None');
  return given.length > 0 && given.every(({ Code }) => isRetryableCode(Code));
}
