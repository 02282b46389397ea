import type { PhaseName } from '../../lib/orchestrator/phases.ts';

export interface SystemView {
  readonly requests: number;
  /** Failed share of its requests of the last seconds; null without any. */
  readonly errorRate: number | null;
  readonly p99Ms: number | null;
}

/** What the terminal shows while the demo runs. */
export interface DemoView {
  readonly elapsedMs: number;
  /** What happens now, in a few words. */
  readonly scene: string;
  readonly phase: PhaseName;
  readonly stepId: string | null;
  readonly stepNumber: number;
  readonly stepCount: number;
  readonly status: string;
  /** Why the step waits; null when it does not say. */
  readonly reason: string | null;
  readonly trafficThousandths: number;
  readonly flat: SystemView;
  readonly hierarchical: SystemView;
  readonly acknowledgedWrites: number;
  readonly copy: { readonly rows: number; readonly copied: number; readonly perSecond: number } | null;
}
