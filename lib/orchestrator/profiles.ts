import { HalError } from '../kernel/errors.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import type { WorkingPhase } from './phases.ts';

const profileNames = ['conservative', 'guide', 'summary', 'engine'] as const;

export type ProfileName = (typeof profileNames)[number];

export interface ProfileStep {
  readonly phase: WorkingPhase;
  /** null: the share stays what it is. */
  readonly trafficThousandths: number | null;
  /** How long the step is held before it is judged. */
  readonly bakeSeconds: number;
  /** p99 limit of this step where it differs from the profile's. */
  readonly latencyP99Ms?: number;
}

/** An alarm rule: above `limit` for `periods` whole minutes. */
export interface AlarmRule {
  readonly limit: number;
  readonly periods: number;
  /** Requests a minute must hold to count at all; fewer say too little. */
  readonly minSamples: number;
}

/** How careful a migration is: steps, gates and alarm rules, all as data. */
export interface Profile {
  readonly name: ProfileName;
  readonly steps: readonly ProfileStep[];
  /** Share of shadow comparisons that must match. */
  readonly shadowParity: number;
  readonly gateErrorRate: number;
  readonly gateLatencyP99Ms: number;
  /** The latency gate passes too at this multiple of flat's p99: absolute limits say little about a foreign network. */
  readonly relativeLatencyLimit: number;
  readonly rollBack: {
    readonly errorRate: readonly AlarmRule[];
    readonly latencyP99Ms: readonly AlarmRule[];
    readonly latencyP50Ms: readonly AlarmRule[];
    readonly failedHealthChecks: number;
  };
  /** Samples per system below which a gate waits. */
  readonly minSamples: number;
  /** How long a breached gate is measured again before the step is held. */
  readonly breachPatienceSeconds: number;
  /** How long a gate waits for data before the step is held. */
  readonly dataPatienceSeconds: number;
  /** How long the copy of the state may take. */
  readonly statePatienceSeconds: number;
}

const minutes = (count: number): number => count * 60;
const hours = (count: number): number => count * 3600;
const days = (count: number): number => count * 86_400;

const share = (phase: WorkingPhase, percent: number, bakeSeconds: number): ProfileStep => ({
  phase,
  trafficThousandths: percent * 1000,
  bakeSeconds,
});
const shadow = (bakeSeconds: number): ProfileStep => share('shadow', 0, bakeSeconds);
/** Driven by the volume, not by a clock: the gate waits until the state has moved. */
const state = (): ProfileStep => ({ phase: 'state-migration', trafficThousandths: null, bakeSeconds: 0 });

const patience = {
  minSamples: 100,
  breachPatienceSeconds: minutes(30),
  dataPatienceSeconds: hours(12),
  statePatienceSeconds: days(7),
} as const;

const guideRollBack = {
  errorRate: [{ limit: 0.05, periods: 5, minSamples: 100 }],
  latencyP99Ms: [{ limit: 50, periods: 5, minSamples: 100 }],
  latencyP50Ms: [],
  failedHealthChecks: 3,
} as const;

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  conservative: {
    name: 'conservative',
    steps: [
      shadow(hours(24)),
      { ...share('canary', 5, hours(2)), latencyP99Ms: 15 },
      { ...share('canary', 10, hours(4)), latencyP99Ms: 12 },
      share('canary', 25, hours(8)),
      share('canary', 50, hours(24)),
      state(),
      share('ramp-up', 60, hours(4)),
      share('ramp-up', 70, hours(4)),
      share('ramp-up', 80, hours(8)),
      share('ramp-up', 90, hours(8)),
      share('ramp-up', 95, hours(12)),
      share('ramp-up', 99, hours(12)),
      share('full', 100, hours(24)),
    ],
    shadowParity: 0.999,
    gateErrorRate: 0.001,
    gateLatencyP99Ms: 10,
    relativeLatencyLimit: 1.1,
    rollBack: {
      errorRate: [
        { limit: 0.001, periods: 2, minSamples: 1000 },
        { limit: 0.01, periods: 1, minSamples: 100 },
      ],
      latencyP99Ms: [
        { limit: 50, periods: 5, minSamples: 100 },
        { limit: 100, periods: 1, minSamples: 100 },
      ],
      latencyP50Ms: [{ limit: 15, periods: 5, minSamples: 100 }],
      failedHealthChecks: 3,
    },
    ...patience,
  },
  guide: {
    name: 'guide',
    steps: [
      shadow(hours(24)),
      share('canary', 5, hours(24)),
      share('canary', 10, hours(24)),
      share('canary', 25, hours(24)),
      share('canary', 35, hours(24)),
      state(),
      share('ramp-up', 50, hours(24)),
      share('ramp-up', 75, hours(24)),
      share('full', 100, hours(24)),
    ],
    shadowParity: 0.999,
    gateErrorRate: 0.01,
    gateLatencyP99Ms: 10,
    relativeLatencyLimit: 1.1,
    rollBack: guideRollBack,
    ...patience,
  },
  summary: {
    name: 'summary',
    steps: [
      shadow(days(7)),
      share('canary', 1, hours(42)),
      share('canary', 5, hours(42)),
      share('canary', 10, hours(42)),
      share('canary', 25, hours(42)),
      state(),
      share('ramp-up', 50, hours(56)),
      share('ramp-up', 75, hours(56)),
      share('ramp-up', 90, hours(56)),
      share('full', 100, days(7)),
    ],
    shadowParity: 0.99,
    gateErrorRate: 0.001,
    gateLatencyP99Ms: 10,
    relativeLatencyLimit: 1.1,
    rollBack: guideRollBack,
    ...patience,
  },
  engine: {
    name: 'engine',
    steps: [
      shadow(days(7)),
      share('canary', 5, days(7)),
      state(),
      share('ramp-up', 75, days(7)),
      share('full', 100, days(3)),
    ],
    shadowParity: 0.99,
    gateErrorRate: 0.001,
    gateLatencyP99Ms: 100,
    relativeLatencyLimit: 1.1,
    rollBack: {
      errorRate: [{ limit: 0.05, periods: 1, minSamples: 100 }],
      latencyP99Ms: [{ limit: 100, periods: 1, minSamples: 100 }],
      latencyP50Ms: [],
      failedHealthChecks: 3,
    },
    ...patience,
  },
};

/** Throws a HalError `UnknownProfile`. */
export function profileNamed(given: string): Profile {
  const name = profileNames.find((known) => known === given.trim().toLowerCase());
  if (name !== undefined) return profiles[name];
  const suggestion = nearestName(given, profileNames);
  throw new HalError({
    name: 'UnknownProfile',
    message: `There is no profile "${given}".${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`,
    remedy: `Choose one of ${profileNames.join(', ')}.`,
    exit: 'usage',
    facts: { given, known: profileNames },
  });
}
