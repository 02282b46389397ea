import type { Command } from 'commander';

import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption } from '../options.ts';
import { recordsLine } from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { describeExport, exportState } from '../state/export-state.ts';

type ExportOptions = Options<{ output: string; category?: readonly string[]; dryRun: boolean }>;

export function addStateExport(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'export',
    description: 'every record of the state in one JSON file, as the side with authority holds it',
    examples: [
      'hal9-migrate state export -o pre-migration-state.json',
      'hal9-migrate state export -o metadata.json --category metadata',
    ],
  })
    .requiredOption('-o, --output <file>', 'a file that is not there yet')
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('--dry-run', 'say how many records there are, and write nothing', false)
    .action((options: ExportOptions) => runExport(options, context));
}

async function runExport(options: ExportOptions, context: CliContext): Promise<void> {
  const definition = await chosenDefinition();
  const categories = parseCategories(options.category ?? [], definition);
  const invoker = await functionInvoker(connect(options, context.env));
  const begun = await describeExport(invoker, categories);
  const rows = begun.reduce((sum, each) => sum + each.rows, 0);
  const { output } = options;
  if (options.dryRun) {
    if (options.json) printDocument('StateExportPlan', { output, rows, categories: begun });
    else printData(`would write ${count(rows)} records to ${output}`);
    return;
  }
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const exported = await exportState(invoker, { output, definition: definition.name, begun }, (done) =>
    lines.update([recordsLine(done, rows, performance.now() - startedAtMs)]),
  );
  lines.done();
  if (options.json) {
    printDocument('StateExported', { output, categories: begun, ...exported });
    return;
  }
  printData(output);
  note(`${count(exported.records)} records; sha256 ${exported.sha256.slice(0, 16)}.`);
  note('A file to look at and to keep; what can be restored is a backup.');
  nextStep('hal9-migrate state checkpoint --name pre-state-migration --full-backup --verify');
}
