import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { metricNames, type MeasuredSystem } from '../../lib/monitoring/metric-names.ts';
import type { MetricQuery } from '../../lib/monitoring/ports.ts';
import { readStatus } from '../../lib/orchestrator/operations/read-status.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { splitBar } from '../output/control-views.ts';
import { count, percentOfThousandths } from '../output/quantities.ts';
import { note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type TrafficOptions = Options<{ verify: boolean }>;

/** Requests of this long ago up to now are shown beside the flags. */
const windowMs = 60_000;

export function addTrafficVerb(program: Command, context: CliContext): void {
  const verb = addVerb(program, context, {
    name: 'traffic',
    description: verbDescriptions.traffic,
    examples: ['hal9-migrate traffic --show-split', 'hal9-migrate traffic --verify --json'],
  })
    .option('--verify', 'fail unless flags and published routes say the same', false)
    .action(async (options: TrafficOptions) => {
      const control = await openControlPlane(connect(options, context.env));
      const status = await readStatus(control);
      const measured = await measure(control);
      const byFlags =
        status.flags.killSwitch || !status.flags.hierarchicalEnabled ? 0 : status.flags.trafficThousandths;
      const byRoutes = publishedShare(status.routes);
      const consistent = byRoutes === byFlags;
      if (options.verify && !consistent) context.setExitCode(exitCodes.gateFailed);
      if (options.json) {
        printDocument('TrafficSplit', {
          flagsThousandths: byFlags,
          routesThousandths: byRoutes,
          consistent,
          measured,
        });
        return;
      }
      printData(`flags     ${splitBar(byFlags)}`);
      printData(`routes    ${byRoutes === null ? 'not published: everybody on flat' : splitBar(byRoutes)}`);
      printData(`measured  ${measuredText(measured)} in the last minute`);
      if (!consistent) note('Flags and routes differ; publish-routes brings them together within a minute.');
    });
  promise(verb, { '--show-split': 'the split is shown' });
}

interface Measured {
  readonly flat: number | null;
  readonly hierarchical: number | null;
}

function requestsOf(system: MeasuredSystem): MetricQuery {
  return { id: system, metric: metricNames.requests, system, statistic: 'Sum' };
}

async function measure(control: CliControlPlane): Promise<Measured> {
  const endMs = Date.now();
  const readings = await control.metrics.read([requestsOf('flat'), requestsOf('hierarchical')], {
    startMs: endMs - windowMs,
    endMs,
  });
  return {
    flat: readings.get('flat')?.value ?? null,
    hierarchical: readings.get('hierarchical')?.value ?? null,
  };
}

function publishedShare(routes: Awaited<ReturnType<typeof readStatus>>['routes']): number | null {
  if (routes === null) return null;
  return routes.killSwitch || !routes.hierarchicalEnabled ? 0 : routes.trafficThousandths;
}

function measuredText({ flat, hierarchical }: Measured): string {
  const all = (flat ?? 0) + (hierarchical ?? 0);
  if (all === 0) return 'no requests';
  const thousandths = Math.round(((hierarchical ?? 0) / all) * 100_000);
  return `${percentOfThousandths(thousandths)} hierarchical of ${count(all)} requests`;
}
