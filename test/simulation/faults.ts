import { randomInt, type Random } from '../../lib/kernel/random.ts';

/** Every knob, and its highest probability at one opportunity. Each has a counter that proves that it fired. */
const highest = {
  // network and services
  requestLost: 0.02,
  replyLost: 0.02,
  slowReply: 0.06,
  throttle: 0.004,
  partialBatch: 0.05,
  transactionConflict: 0.2,
  staleRead: 0.5,
  credentialsExpired: 0.01,
  storeDark: 0.0008,
  controlPlaneDark: 0.008,
  errorBurst: 0.0015,
  malformedBody: 0.06,
  // queues and streams
  messageDuplicated: 0.4,
  messageReordered: 0.5,
  messageLost: 0.25,
  messageDelayed: 0.3,
  visibilityExpired: 0.2,
  poisonMessage: 0.05,
  deadLetterRedriven: 1,
  streamReplayed: 0.2,
  streamTrimmed: 0.08,
  // processes
  crash: 0.004,
  timeoutBeforeAck: 0.02,
  coldStartStorm: 0.05,
  twoVersions: 0.3,
  freeze: 0.006,
  outOfMemory: 0.04,
  // time
  clockJump: 0.1,
  clockSkew: 0.3,
  // flags
  flagStale: 0.3,
  flagUnavailable: 0.3,
  flagMalformed: 0.3,
  flagRolledBack: 0.4,
  // operators
  doubleStart: 0.4,
  switchAborted: 0.3,
  rollbackTwice: 0.7,
  wrongAccount: 0.4,
  // data
  recordCorrupted: 0.7,
  updateDuringCopy: 1,
  deleteDuringCopy: 1,
  flipFlop: 1,
  oversizedRow: 0.006,
  edgeValue: 0.1,
  schemaDrift: 0.1,
};

export type FaultKind = keyof typeof highest;

export const faultKinds = Object.keys(highest) as FaultKind[];

export interface Faults {
  /** Off in the second phase, in which everything has to converge. */
  enabled: boolean;
  readonly counters: Record<FaultKind, number>;
  /** True, and counted, with the probability that this run has for the fault. */
  happens(kind: FaultKind): boolean;
  /** For what happens by itself, in the course of the run. */
  count(kind: FaultKind): void;
}

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
    count(kind) {
      counters[kind] += 1;
    },
  };
  return faults;
}
