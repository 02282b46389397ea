import type { WireObject } from '../ports.ts';
import { isObject } from '../wire-input.ts';

/** How long a Wait state waits, in milliseconds of the cloud's time. Throws an error named `States.Runtime`. */
export function waitDurationMs(state: WireObject, input: unknown, nowMs: number): number {
  const seconds = state['Seconds'] ?? fromPath(state['SecondsPath'], input);
  if (typeof seconds === 'number') {
    return Math.max(0, seconds * 1000);
  }
  const timestamp = state['Timestamp'] ?? fromPath(state['TimestampPath'], input);
  const untilMs = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  if (Number.isNaN(untilMs)) {
    const broken = new Error(
      `a Wait state has neither a number of seconds nor a timestamp: ${JSON.stringify(state)}`,
    );
    broken.name = 'States.Runtime';
    throw broken;
  }
  return Math.max(0, untilMs - nowMs);
}

/** Reference paths only: `$.plan.steps[0].seconds`. */
function fromPath(path: unknown, input: unknown): unknown {
  if (typeof path !== 'string') {
    return undefined;
  }
  let found = input;
  for (const [, name, index] of path.matchAll(/\.([A-Za-z_]\w*)|\[(\d+)\]/gu)) {
    if (name !== undefined) {
      found = isObject(found) ? found[name] : undefined;
    } else {
      found = Array.isArray(found) ? (found[Number(index)] as unknown) : undefined;
    }
  }
  return found;
}
