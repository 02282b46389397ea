import { setTimeout as sleep } from 'node:timers/promises';

import type { Command } from 'commander';

import type { Category } from '../../lib/migration/category.ts';
import { copyProgress, type StateDescription } from '../../lib/migration/state-description.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { untilInterrupted } from '../interrupt.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption, needs, positiveNumber } from '../options.ts';
import { againstLines, stopLines, workerLines } from '../output/limit-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { copyLine, statusTable } from '../output/state-views.ts';
import { apiVersion, note, printData, printDocument } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { copyRate } from '../state/copy-rate.ts';
import { describeState } from '../state/describe-state.ts';

type ProgressOptions = Options<{ category?: readonly string[]; watch: boolean; interval?: string }>;

export function addProgress(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'progress',
    description: 'how far the copy is, per category',
    examples: ['hal9-migrate state progress --category user-sessions', 'hal9-migrate state progress --watch'],
  })
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('-w, --watch', 'with rate and ETA, until the copy is complete', false)
    .option('--interval <seconds>', 'between two looks of --watch; 1 when absent')
    .action(async (options: ProgressOptions) => {
      const intervalMs = positiveNumber('--interval', options.interval ?? '1') * 1000;
      if (options.interval !== undefined && !options.watch) throw needs('--interval', '--watch');
      const categories = parseCategories(options.category ?? [], await chosenDefinition());
      const invoker = await functionInvoker(connect(options, context.env));
      if (options.watch) {
        await watchProgress(invoker, categories, { intervalMs, json: options.json });
        return;
      }
      const description = await describeState(invoker);
      if (options.json) printDocument('StateProgress', documentOf(description, categories));
      else present(description, categories);
    });
}

/** The document of one look. `rowsPerSecond` and `etaSeconds` are null where nothing was measured yet. */
function documentOf(
  { changeLogInstalled, categories, settings, workers, forecast }: StateDescription,
  chosen: readonly Category[],
  rowsPerSecond: number | null = null,
) {
  const shown = categories.filter(({ category }) => chosen.includes(category));
  const progress = copyProgress(shown);
  const left = progress.rows - progress.copiedRows;
  const etaSeconds = rowsPerSecond === null || rowsPerSecond === 0 ? null : Math.ceil(left / rowsPerSecond);
  return {
    started: changeLogInstalled,
    progress,
    rowsPerSecond,
    etaSeconds,
    categories: shown,
    settings,
    workers,
    forecast,
  };
}

function present(description: StateDescription, chosen: readonly Category[]): void {
  const { changeLogInstalled, categories, settings, workers, forecast } = description;
  if (!changeLogInstalled) {
    note('Nothing has been copied yet.');
    return;
  }
  printData(statusTable(categories.filter(({ category }) => chosen.includes(category))));
  for (const line of [...workerLines(workers), ...stopLines(settings)]) printData(line);
  for (const line of forecast === null ? [] : againstLines(forecast)) printData(line);
}

/** One JSON document a line with `--json`. Ends when the copy is complete, or was never begun. */
async function watchProgress(
  invoker: FunctionInvoker,
  chosen: readonly Category[],
  { intervalMs, json }: { readonly intervalMs: number; readonly json: boolean },
): Promise<void> {
  const lines = liveLines({ quiet: json });
  const rate = copyRate();
  const goesOn = {
    what: 'The copy',
    watch: 'hal9-migrate state progress --watch',
    stop: 'hal9-migrate state-migration --stop',
  };
  await untilInterrupted(goesOn, async (signal) => {
    for (;;) {
      const description = await describeState(invoker);
      signal.throwIfAborted();
      const shown = description.categories.filter(({ category }) => chosen.includes(category));
      const progress = copyProgress(shown);
      const rowsPerSecond = rate(progress, performance.now());
      if (json) {
        const look = documentOf(description, chosen, rowsPerSecond);
        printData(JSON.stringify({ apiVersion, kind: 'StateProgress', ...look }));
      } else {
        const { workers, settings } = description;
        lines.update([
          copyLine(progress, rowsPerSecond),
          ...statusTable(shown).split('\n'),
          ...workerLines(workers),
          ...stopLines(settings),
        ]);
      }
      if (progress.complete || !isBegun(description)) return;
      await sleep(intervalMs, undefined, { signal });
    }
  });
  lines.done();
  if (!json) note('The copy is complete, or was never begun.');
}

function isBegun({ changeLogInstalled, categories }: StateDescription): boolean {
  return changeLogInstalled && categories.some(({ backfill }) => backfill.plannedRanges > 0);
}
