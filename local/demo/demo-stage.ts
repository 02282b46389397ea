import type { LocalCloud } from '../cloud/local-cloud.ts';
import type { TrafficControl } from '../traffic/traffic-control.ts';
import type { DemoControl, DemoOptions } from './demo-options.ts';
import type { DemoRollback, DemoWindow } from './demo-summary.ts';
import type { Watcher } from './watcher.ts';

/** Everything that the scenes of the demo act on, and what they leave behind for the summary. */
export interface DemoStage {
  readonly options: DemoOptions;
  readonly cloud: LocalCloud;
  readonly control: DemoControl;
  readonly traffic: TrafficControl;
  readonly watcher: Watcher;
  readonly newRunId: () => string;
  readonly say: (line: string) => void;
  /** What the demo broke on purpose, by the id of the rollback that answered. */
  readonly injected: Map<string, InjectedRollback>;
  readonly windows: DemoWindow[];
}

type InjectedRollback = Pick<DemoRollback, 'injected' | 'detectedAfterMs' | 'trafficOffAfterMs'>;

/** Writes that must be acknowledged during anything delicate, or nothing was shown. */
export const leastAcknowledged = 100;

/** Writes down how many writes users got through between two moments. */
export function noteWindow(
  { watcher, windows }: DemoStage,
  name: string,
  fromMs: number,
  toMs: number,
): DemoWindow {
  const window = {
    name,
    acknowledgedWrites: watcher.timeline.acknowledgedBetween(fromMs, toMs),
    tookMs: Math.round(toMs - fromMs),
  };
  windows.push(window);
  return window;
}
