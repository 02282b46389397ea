import { randomInt, type Random } from '../../lib/kernel/random.ts';

/** Every knob; each has a counter that proves that it fired. */
export const faultKinds = [
  'crash',
  'requestLost',
  'replyLost',
  'partialBatch',
  'slowReply',
  'freeze',
  'throttle',
  'transactionConflict',
  'messageDuplicated',
  'messageLost',
  'messageDelayed',
  'messageReordered',
  'streamReplayed',
  'clockSkew',
  'doubleStart',
  'switchAborted',
  'recordCorrupted',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Faults {
  /** Off in the second phase, in which everything has to converge. */
  enabled: boolean;
  readonly counters: Record<FaultKind, number>;
  /** True, and counted, with the probability that this run has for the fault. */
  happens(kind: FaultKind): boolean;
}

/** Highest probability of each fault at one opportunity. */
const highest: Record<FaultKind, number> = {
  crash: 0.004,
  requestLost: 0.02,
  replyLost: 0.02,
  partialBatch: 0.05,
  slowReply: 0.06,
  freeze: 0.006,
  throttle: 0.004,
  transactionConflict: 0.2,
  messageDuplicated: 0.4,
  messageLost: 0.25,
  messageDelayed: 0.3,
  messageReordered: 0.5,
  streamReplayed: 0.2,
  clockSkew: 0.3,
  doubleStart: 0.4,
  switchAborted: 0.3,
  recordCorrupted: 0.7,
};

/** Each run has its own mixture: some faults are absent, so that they cannot hide what others do. */
export function makeFaults(random: Random): Faults {
  const rates = {} as Record<FaultKind, number>;
  const counters = {} as Record<FaultKind, number>;
  for (const kind of faultKinds) {
    counters[kind] = 0;
    rates[kind] = randomInt(random, 4) === 0 ? 0 : highest[kind] * random.next();
  }
  const faults: Faults = {
    enabled: true,
    counters,
    happens(kind) {
      if (!faults.enabled || random.next() >= rates[kind]) return false;
      counters[kind] += 1;
      return true;
    },
  };
  return faults;
}
