import type { AttemptOutcome } from '../../lib/orchestrator/run.ts';
import type { PhaseName } from '../../lib/orchestrator/phases.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { CategoryVerification } from '../../lib/migration/verification-report.ts';

export interface DemoPhase {
  readonly phase: PhaseName;
  /** Step of the plan, for example `canary-5`. */
  readonly step: string;
  readonly outcome: AttemptOutcome;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

export interface DemoRollback {
  readonly fromPhase: PhaseName;
  readonly toPhase: PhaseName;
  readonly trigger: string;
  /** What the demo broke; null for a rollback that it did not cause. */
  readonly injected: string | null;
  /** From the fault to the trigger, in real milliseconds; null when nothing was broken on purpose. */
  readonly detectedAfterMs: number | null;
  /** From the fault to the last request that the hierarchical system served. */
  readonly trafficOffAfterMs: number | null;
  /** True when the authority over the state went back as well. */
  readonly stateRestored: boolean;
}

/** Writes acknowledged to users while something delicate happened. */
export interface DemoWindow {
  readonly name: string;
  readonly acknowledgedWrites: number;
  readonly tookMs: number;
}

export interface DemoSummary {
  /** `partial`: the demo could not run to its end. `failed`: it did, and something does not hold. */
  readonly outcome: 'completed' | 'partial' | 'failed';
  /** What does not hold; empty when everything does. */
  readonly failures: readonly string[];
  readonly seed: number;
  readonly records: number;
  readonly elapsedMs: number;
  /** Of all processes together; null where it cannot be read. */
  readonly peakMemoryMb: number | null;
  /** Every attempt at every step. */
  readonly phases: readonly DemoPhase[];
  readonly rollbacks: readonly DemoRollback[];
  readonly state: CategoryVerification & {
    readonly byCategory: Readonly<Record<Category, CategoryVerification>>;
  };
  readonly traffic: {
    readonly requests: number;
    readonly failed: number;
    readonly failedDuringFault: number;
    readonly flat: number;
    readonly hierarchical: number;
    readonly shadowed: number;
  };
  readonly history: {
    readonly acknowledgedWrites: number;
    readonly lostWrites: number;
    readonly staleReads: number;
    readonly resurrections: number;
    readonly unexplainedReads: number;
    readonly keys: number;
  };
  readonly windows: readonly DemoWindow[];
  /** Where the data is; null when it was removed. */
  readonly dataDir: string | null;
}
