import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { learningCategory, noLearningData } from '../../lib/migration/learning/learning-category.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { oneOf, wholeNumber } from '../options.ts';
import { bytes, recordsLine } from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { exportCategory, importDirectory, transformDirectory } from '../state/transfer-steps.ts';
import { beginExport } from '../state/transfer-records.ts';
import { watchCopy } from '../state/watch-copy.ts';

export function addTransferVerbs(learning: Command, context: CliContext): void {
  addExport(learning, context);
  addTransform(learning, context);
  addImport(learning, context);
}

/** Progress with rate and time left, on stderr. */
function progress(json: boolean, total: number) {
  const lines = liveLines({ quiet: json });
  const startedAtMs = performance.now();
  return {
    at: (done: number): void => lines.update([recordsLine(done, total, performance.now() - startedAtMs)]),
    done: (): void => lines.done(),
  };
}

async function learningDefinition(): Promise<MigrationDefinition> {
  const definition = await chosenDefinition();
  if (!categoriesOf(definition).includes(learningCategory)) throw noLearningData(definition);
  return definition;
}

type ExportOptions = Options<{ system: string; format: string; output: string; dryRun: boolean }>;

function addExport(learning: Command, context: CliContext): void {
  addVerb(learning, context, {
    name: 'export',
    description: 'every row of the learning data with its version, as lines of JSON under one manifest',
    examples: ['hal9-migrate learning export --output learning-export/'],
  })
    .option('--system <name>', 'flat: where the learning data is until its authority moves', 'flat')
    .option('--format <name>', 'hierarchical: keys and versions as that side has them', 'hierarchical')
    .requiredOption('--output <directory>', 'a directory that is not there yet, or empty')
    .option('--dry-run', 'say how many rows there are, and write nothing', false)
    .action((options: ExportOptions) => runExport(options, context));
}

async function runExport(options: ExportOptions, context: CliContext): Promise<void> {
  oneOf('--system', options.system, ['flat']);
  oneOf('--format', options.format, ['hierarchical']);
  await learningDefinition();
  const invoker = await functionInvoker(connect(options, context.env));
  const begun = await beginExport(invoker, learningCategory, { versioned: true });
  const { output } = options;
  if (options.dryRun) {
    if (options.json) printDocument('LearningExportPlan', { output, ...begun });
    else printData(`would export ${count(begun.rows)} rows to ${output}`);
    return;
  }
  const shown = progress(options.json, begun.rows);
  const manifest = await exportCategory(invoker, begun, output, shown.at);
  shown.done();
  const { lines, parts, sha256, origin } = manifest;
  if (options.json) {
    printDocument('LearningExport', { output, lines, origin, parts, sha256 });
    return;
  }
  printData(output);
  const size = bytes(parts.reduce((sum, part) => sum + part.bytes, 0));
  note(
    `${count(lines)} rows in ${size}, at position ${count(origin.watermark.sequence)} of the change log; sha256 ${sha256.slice(0, 16)}.`,
  );
  nextStep(`hal9-migrate learning transform --input ${output} --output learning-hierarchical/`);
}

type TransformOptions = Options<{
  input: string;
  output: string;
  validateSchemas: boolean;
  dryRun: boolean;
}>;

function addTransform(learning: Command, context: CliContext): void {
  addVerb(learning, context, {
    name: 'transform',
    description: 'make hierarchical records of exported rows, and name the rows that have no such form',
    examples: ['hal9-migrate learning transform --input learning-export/ --output learned/'],
  })
    .requiredOption('--input <directory>', 'what `learning export` wrote')
    .requiredOption('--output <directory>', 'a directory that is not there yet, or empty')
    .option('--validate-schemas', 'turn every record back and compare it with its row', false)
    .option('--dry-run', 'transform everything, and write nothing', false)
    .action((options: TransformOptions) => runTransform(options, context));
}

async function runTransform(options: TransformOptions, context: CliContext): Promise<void> {
  const definition = await learningDefinition();
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const result = await transformDirectory(definition, options, (done, total) =>
    lines.update([recordsLine(done, total, performance.now() - startedAtMs)]),
  );
  lines.done();
  if (result.rejected > 0) context.setExitCode(exitCodes.partial);
  const { output } = options;
  if (options.json) {
    printDocument(options.dryRun ? 'LearningTransformPlan' : 'LearningTransform', { output, ...result });
    return;
  }
  if (!options.dryRun) printData(output);
  note(`${count(result.records)} records; ${count(result.rejected)} rows have no hierarchical form.`);
  for (const { pk, errorName, message } of result.rejects)
    note(`  ${pk ?? 'a line'}: ${errorName}: ${message}`);
  if (result.rejected > result.rejects.length) note('  All of them are in rejected.jsonl.');
  nextStep(`hal9-migrate learning import --input ${output}`);
}

type ImportOptions = Options<{
  input: string;
  system: string;
  batchSize: string;
  dryRun: boolean;
  yes: boolean;
}>;

function addImport(learning: Command, context: CliContext): void {
  const verb = addVerb(learning, context, {
    name: 'import',
    description:
      'write transformed records where the target has none, then copy what the export did not hold',
    examples: [
      'hal9-migrate learning import --input learned/ --batch-size 10000',
      'hal9-migrate learning import --input learned/ --dry-run',
    ],
  })
    .requiredOption('--input <directory>', 'what `learning transform` wrote')
    .option('--system <name>', 'hierarchical: the only side that records are imported to', 'hierarchical')
    .option('--batch-size <records>', 'records of one call, at most', '1000')
    .option('--dry-run', 'check everything and count what would be written, and write nothing', false)
    .option('--yes', 'ask nothing', false)
    .action((options: ImportOptions) => runImport(options, context));
  promise(verb, { '--preserve-timestamps': 'times are part of a record and come as they were' });
}

async function runImport(options: ImportOptions, context: CliContext): Promise<void> {
  oneOf('--system', options.system, ['hierarchical']);
  const batchSize = wholeNumber('--batch-size', options.batchSize, 1);
  const definition = await learningDefinition();
  const connection = connect(options, context.env);
  const invoker = await functionInvoker(connection);
  if (!options.dryRun) await confirm(connection, options, `import ${options.input}`);
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const totals = await importDirectory(invoker, { ...options, batchSize }, (what, done, total) =>
    lines.update([`${what}  ${recordsLine(done, total, performance.now() - startedAtMs)}`]),
  );
  lines.done();
  const { input } = options;
  if (options.dryRun) {
    if (options.json) printDocument('LearningImportPlan', { input, ...totals });
    else
      printData(`would write ${count(totals.written)} records; ${count(totals.kept)} keys are there already`);
    return;
  }
  if (!options.json) {
    note(
      `${count(totals.written)} records written; ${count(totals.kept)} keys were there already and stayed.`,
    );
  }
  const categories = [learningCategory];
  const request = { categories, definition, timeoutMs: null, json: options.json };
  const rest = await watchCopy(invoker, connection, request);
  if (rest.copy.stopped) context.setExitCode(exitCodes.gateFailed);
  if (options.json) {
    printDocument('LearningImport', { input, ...totals, rest });
    return;
  }
  note(`The learning data is complete; ${count(rest.quarantined)} rows are in quarantine.`);
  const { stopped, by, reason } = rest.copy;
  if (stopped) note(`Now the copy is stopped by ${by}: ${reason}.`);
  nextStep(stopped ? 'hal9-migrate state quarantine list' : 'hal9-migrate learning test --patterns 100');
}
