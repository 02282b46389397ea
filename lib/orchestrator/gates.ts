/** What must hold before a step may end. Judged by `judge-gate.ts`, required by the phase table. */
const gateNames = [
  'shadow-parity',
  'error-rate',
  'latency-p99',
  'health-checks',
  'alarms',
  'state-moved',
] as const;

export type GateName = (typeof gateNames)[number];

/** One gate with the limits of a profile; plain data that travels in the run record. */
export type Gate =
  | { readonly name: 'shadow-parity'; readonly parityAtLeast: number; readonly minComparisons: number }
  | {
      readonly name: 'error-rate';
      readonly limit: number;
      /** Above this rate the step is rolled back, not just held. */
      readonly rollBackAbove: number;
      readonly minSamples: number;
    }
  | {
      readonly name: 'latency-p99';
      readonly limitMs: number;
      /** Passes too when it is at most this multiple of the flat system's p99 in the same window. */
      readonly relativeLimit: number;
      readonly rollBackAboveMs: number;
      /** Requests it takes to roll back: as many as the alarm of the same rule sees. Fewer hold the step. */
      readonly rollBackSamples: number;
      readonly minSamples: number;
    }
  | { readonly name: 'health-checks'; readonly failuresToRollBack: number }
  | { readonly name: 'alarms' }
  | { readonly name: 'state-moved' };

/** Numbers that a gate was judged by. */
export interface Evidence {
  readonly name: string;
  readonly value: number | string | null;
  readonly limit?: number;
  /** Samples behind the value. */
  readonly samples?: number;
  readonly source: string;
  /** Age of the newest data behind it. */
  readonly ageMs?: number | null;
}

export type GateOutcome =
  | { readonly kind: 'passed' }
  /** Too little evidence; never an advance. */
  | { readonly kind: 'no-data'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly response: 'hold' | 'roll-back' };

export interface JudgedGate {
  readonly gate: GateName;
  readonly outcome: GateOutcome;
  readonly evidence: readonly Evidence[];
}
