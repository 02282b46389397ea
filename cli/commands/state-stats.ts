import type { Command } from 'commander';

import { copyProgress, type StateDescription } from '../../lib/migration/state-description.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { settingsLines, stopLines } from '../output/limit-views.ts';
import { count } from '../output/quantities.ts';
import { renderTable } from '../output/table.ts';
import { note, printData, printDocument } from '../output/terminal.ts';
import { describeState } from '../state/describe-state.ts';

type StatsOptions = Options<{ resources: boolean }>;

export function addStats(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'stats',
    description: 'what the copy uses: workers, records and write units per second, who is held back by whom',
    examples: ['hal9-migrate state stats', 'hal9-migrate state stats --resources --json'],
  })
    .option('--resources', 'each worker by itself, with its limits', false)
    .action(async (options: StatsOptions) => {
      const description = await describeState(await functionInvoker(connect(options, context.env)));
      const { workers, settings, categories } = description;
      const progress = copyProgress(categories);
      if (options.json) printDocument('StateStats', { progress, workers, settings });
      else present(description, options.resources);
    });
}

function present({ workers, settings, categories }: StateDescription, resources: boolean): void {
  const progress = copyProgress(categories);
  printData(`copied         ${count(progress.copiedRows)} of ${count(progress.rows)} rows`);
  printData(`behind         ${count(progress.lagEntries)} log entries`);
  printData(`in quarantine  ${count(progress.quarantined)} records`);
  printData(`workers        ${count(workers.active.length)} at work`);
  printData(`records        ${count(workers.recordsPerSecond)}/s`);
  printData(
    `write units    ${count(workers.writeUnitsPerSecond)}/s, ${count(workers.totalWriteUnits)} so far`,
  );
  for (const line of stopLines(settings)) printData(line);
  for (const { slot, who, why } of workers.throttlings)
    printData(`throttled      worker ${slot} by ${who}: ${why}`);
  if (!resources) return;
  printData('');
  if (workers.active.length === 0) note('No worker is at work.');
  else printData(workerTable(workers.active));
  printData('');
  for (const line of settingsLines(settings)) printData(line);
}

function workerTable(active: StateDescription['workers']['active']): string {
  return renderTable(active, [
    { title: 'WORKER', align: 'right', value: ({ slot }) => count(slot) },
    { title: 'RECORDS/S', align: 'right', value: ({ recordsPerSecond }) => count(recordsPerSecond) },
    { title: 'UNITS/S', align: 'right', value: ({ writeUnitsPerSecond }) => count(writeUnitsPerSecond) },
    { title: 'UNITS', align: 'right', value: ({ totalWriteUnits }) => count(totalWriteUnits) },
    { title: 'THROTTLED', align: 'right', value: ({ throttlings }) => count(throttlings) },
    { title: 'HELD BACK BY', value: ({ heldBackBy }) => heldBackBy ?? '-' },
  ]);
}
