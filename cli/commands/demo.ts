import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { DemoControl, DemoOptions } from '../../local/demo/demo-options.ts';
import type { DemoSummary } from '../../local/demo/demo-summary.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { newRunId } from '../new-run-id.ts';
import { positiveNumber, wholeNumber } from '../options.ts';
import { demoLines, eventLine, summaryText } from '../output/demo-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';

type DemoFlags = Options<{
  records: string;
  seed: string;
  source?: string;
  rate: string;
  timeScale: string;
  keep: boolean;
  faults: boolean;
}>;

/** A bake of a day lasts two seconds. */
const defaultTimeScale = '43200';
const fewestRecords = 200;
const leastRate = 10;
const mostRate = 2_000;

export function addDemoVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'demo',
    description: 'run a whole migration on this machine, break it twice, and check that nothing was lost',
    examples: [
      'hal9-migrate demo',
      'hal9-migrate demo --source flat.sqlite --keep',
      'hal9-migrate demo --json',
    ],
  })
    .option('--records <n>', 'rows of the generated store', '20000')
    .option('--seed <n>', 'the same seed gives the same rows', '1')
    .option('--source <file>', 'your own flat HAL9 store; copied, never written')
    .option('--rate <n>', 'requests per second of live traffic', '100')
    .option('--time-scale <n>', 'by how much waits are shortened; evidence never is', defaultTimeScale)
    .option('--keep', 'keep the data directory with stores, history and logs', false)
    .option('--no-faults', 'break nothing')
    .action(async (flags: DemoFlags) => {
      const summary = await runInForeground(readOptions(flags), flags, context);
      context.setExitCode(
        { completed: exitCodes.ok, partial: exitCodes.partial, failed: exitCodes.failed }[summary.outcome],
      );
      present(summary, flags.json);
    });
}

function readOptions(flags: DemoFlags): DemoOptions {
  return {
    records: wholeNumber('--records', flags.records, fewestRecords),
    seed: wholeNumber('--seed', flags.seed, 0),
    ...(flags.source === undefined ? {} : { sourceFile: flags.source }),
    rate: wholeNumber('--rate', flags.rate, leastRate, mostRate),
    timeScale: positiveNumber('--time-scale', flags.timeScale),
    keep: flags.keep,
    faults: flags.faults,
  };
}

async function runInForeground(
  options: DemoOptions,
  flags: DemoFlags,
  context: CliContext,
): Promise<DemoSummary> {
  const { runDemo } = await import('../../local/demo/run-demo.ts');
  const lines = liveLines({ quiet: flags.json });
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  const startedAtMs = performance.now();
  try {
    return await runDemo(
      { ...options, signal: interrupt.signal },
      {
        openControl: (dataDir) => openControl(dataDir, context),
        newRunId,
        onView: (view) => lines.update(demoLines(view)),
        onEvent: (line) => lines.log(eventLine(performance.now() - startedAtMs, line)),
      },
    );
  } finally {
    lines.done();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

/** As an operator's command would do it: the demo has no way in of its own. */
async function openControl(dataDir: string, context: CliContext): Promise<DemoControl> {
  const connection = connect({ json: false, data: dataDir, aws: false }, context.env);
  return { ...(await openControlPlane(connection)), names: connection.names };
}

function present(summary: DemoSummary, json: boolean): void {
  if (json) {
    printDocument('DemoSummary', { ...summary });
    return;
  }
  printData(summaryText(summary));
  if (summary.dataDir !== null) note(`Stores, history and logs are in ${summary.dataDir}`);
  nextStep(
    summary.outcome === 'completed'
      ? 'hal9-migrate local up --detach'
      : 'hal9-migrate demo --keep, and look at the logs in its data directory',
  );
}
