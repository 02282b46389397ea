import type { AuditLog } from '../../lib/audit/ports.ts';
import type { FlagStore } from '../../lib/flags/ports.ts';
import type { Clock, Sleeper } from '../../lib/kernel/clock.ts';
import type { ResourceNames } from '../../lib/kernel/resource-names.ts';
import type { AlarmReader, HealthProbe, MetricReader } from '../../lib/monitoring/ports.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import type { RunStore, Workflow } from '../../lib/orchestrator/ports.ts';
import type { RouteStore } from '../../lib/router/ports.ts';
import type { DemoView } from './demo-view.ts';

/** The control plane as an operator's tools open it. */
export interface DemoControl {
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly routes: RouteStore;
  readonly alarms: AlarmReader;
  readonly metrics: MetricReader;
  readonly workflow: Workflow;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
  readonly invoker: FunctionInvoker;
  readonly probe: HealthProbe;
  readonly names: ResourceNames;
}

export interface DemoOptions {
  /** Rows of the generated store. */
  readonly records: number;
  readonly seed: number;
  /** A flat store of the user's; it is copied, never written. */
  readonly sourceFile?: string;
  /** Requests per second. */
  readonly rate: number;
  /** By how much waits are shortened. */
  readonly timeScale: number;
  /** Keeps the data directory. */
  readonly keep: boolean;
  /** False: nothing is broken on purpose, and no rollback is expected. */
  readonly faults: boolean;
  /** A new directory under the system's temporary one when absent. */
  readonly dataDir?: string;
  /** Ends the demo early, and cleanly. */
  readonly signal?: AbortSignal;
}

export interface DemoDeps {
  /** The way in that an operator has; `dataDir` is that of the running local cloud. */
  readonly openControl: (dataDir: string) => Promise<DemoControl>;
  readonly newRunId: () => string;
  /** Called several times a second. */
  readonly onView: (view: DemoView) => void;
  /** Called once for each thing worth telling. */
  readonly onEvent: (line: string) => void;
}
