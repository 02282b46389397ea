import type { Random } from '../../lib/kernel/random.ts';
import type { FaultKind, Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

class SimulatedFault extends Error {}

/** Without a stack: hundreds of thousands of them are thrown, and each says where it was. */
function faultOf(message: string): SimulatedFault {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const fault = new SimulatedFault(message);
  Error.stackTraceLimit = stackTraceLimit;
  return fault;
}

export interface Network {
  /** What becomes of a request at this point of its way; null: it goes on. */
  faultAt(point: string): Error | null;
  latencyMs(): number;
}

interface Outage {
  readonly kind: FaultKind;
  readonly longestMs: number;
  /** Points that it hits; a service is dark as a whole. */
  hits(point: string): boolean;
  /** Share of requests that fail while it lasts. */
  readonly share: number;
}

const flatStore = /^(?:source|flat|legacy)\./;
/** What plans and steers; records, authority items and the log are read and written all the while. */
const controlPlane = /^(?:switches|settings|rangeQueue|ranges\.(?:plan|list|startRun|currentRun|closePlan))/;

const outages: readonly Outage[] = [
  { kind: 'throttle', longestMs: 2_000, share: 0.5, hits: (point) => isOnItsWay(point) },
  { kind: 'errorBurst', longestMs: 1_500, share: 0.4, hits: () => true },
  { kind: 'storeDark', longestMs: 12_000, share: 1, hits: (point) => flatStore.test(point) },
  { kind: 'storeDark', longestMs: 12_000, share: 1, hits: (point) => !flatStore.test(point) },
  { kind: 'controlPlaneDark', longestMs: 20_000, share: 1, hits: (point) => controlPlane.test(point) },
];

const isRead = (point: string): boolean => point.endsWith(':read');
const isOnItsWay = (point: string): boolean => isRead(point) || point.endsWith(':call');
const isAnswered = (point: string): boolean => isRead(point) || point.endsWith(':reply');

/** What every process shares: services that are dark or throttle for a while, requests and replies that get lost. */
export function makeNetwork(scheduler: Scheduler, faults: Faults, random: Random): Network {
  const untilMs = outages.map(() => 0);

  const isOut = (outage: Outage, at: number, point: string): boolean => {
    const nowMs = scheduler.nowMs();
    if (nowMs >= (untilMs[at] ?? 0)) {
      if (!isOnItsWay(point) || !outage.hits(point) || !faults.happens(outage.kind)) return false;
      untilMs[at] = nowMs + outage.longestMs * random.next();
    }
    return faults.enabled && outage.hits(point) && (outage.share === 1 || random.next() < outage.share);
  };

  return {
    faultAt(point) {
      for (const [at, outage] of outages.entries()) {
        if (isOut(outage, at, point)) return faultOf(`${outage.kind} at ${point}`);
      }
      if (isOnItsWay(point) && faults.happens('requestLost')) return faultOf(`request lost at ${point}`);
      if (isAnswered(point) && faults.happens('replyLost')) return faultOf(`reply lost at ${point}`);
      return isBetween(point) && faults.happens('partialBatch') ? faultOf(`batch cut at ${point}`) : null;
    },
    latencyMs() {
      if (faults.happens('freeze')) return 5_000 + 85_000 * random.next();
      if (faults.happens('slowReply')) return 100 + 4_900 * random.next();
      return 1 + 9 * random.next();
    },
  };
}

/** In the middle of a batch, of which a part has taken effect. */
export function isBetween(point: string): boolean {
  return !isOnItsWay(point) && !isAnswered(point);
}

export function credentialsExpired(point: string): Error {
  return faultOf(`credentials expired at ${point}`);
}
