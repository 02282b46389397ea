import type { FlagStore } from '../../flags/ports.ts';
import type { AlarmReader, AlarmStatus } from '../../monitoring/ports.ts';
import type { RouteStore } from '../../router/ports.ts';
import type { Routes } from '../../router/routes.ts';
import { phases, type PhaseName } from '../phases.ts';
import type { RunStore } from '../ports.ts';
import type { RunRecord } from '../run.ts';

export interface StatusDeps {
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly routes: RouteStore;
  readonly alarms: AlarmReader;
}

export interface MigrationStatus {
  readonly phase: PhaseName;
  readonly phaseTitle: string;
  readonly run: RunRecord | null;
  readonly flags: {
    readonly version: number;
    readonly routingEpoch: number;
    readonly trafficThousandths: number;
    readonly killSwitch: boolean;
    readonly hierarchicalEnabled: boolean;
    readonly shadowEnabled: boolean;
  };
  /** What the edges have; null when nothing is published. */
  readonly routes: Routes | null;
  readonly alarms: readonly AlarmStatus[];
}

/** Where everything stands; reads only. */
export async function readStatus(deps: StatusDeps): Promise<MigrationStatus> {
  const [run, deployed, routes, alarms] = await Promise.all([
    deps.runs.current(),
    deps.flags.readFlags(),
    deps.routes.read(),
    deps.alarms.list(),
  ]);
  const phase = run?.phase ?? 'none';
  const { routingEpoch, trafficThousandths, killSwitch, hierarchicalEnabled, shadow } = deployed.document;
  return {
    phase,
    phaseTitle: phases[phase].title,
    run,
    flags: {
      version: deployed.version,
      routingEpoch,
      trafficThousandths,
      killSwitch,
      hierarchicalEnabled,
      shadowEnabled: shadow.enabled,
    },
    routes,
    alarms,
  };
}
