import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { accessOperations, type AccessOperation } from '../../lib/migration/benchmark/measure-access.ts';
import { compareAccess, type AccessSummary } from '../../lib/migration/benchmark/summarize-access.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption, oneOf, positiveNumber, wholeNumber } from '../options.ts';
import { accessTable, comparisonLines, skippedLines } from '../output/benchmark-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { writeDocument } from '../output/write-output.ts';
import { promise } from '../promised-option.ts';
import { benchmarkState } from '../state/benchmark-state.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type BenchmarkOptions = Options<{
  operations: readonly string[];
  categories?: readonly string[];
  category?: readonly string[];
  samples: string;
  maxRatio?: string;
  report?: string;
  dryRun: boolean;
  yes: boolean;
}>;

export function addBenchmarkVerb(program: Command, context: CliContext): void {
  const verb = addVerb(program, context, {
    name: 'benchmark',
    description: verbDescriptions.benchmark,
    examples: [
      'hal9-migrate benchmark --operations read,write,update --categories all',
      'hal9-migrate benchmark --category configuration --max-ratio 1',
    ],
  })
    .option(
      '--operations <names...>',
      `some of ${accessOperations.join(', ')}; writes store what was read`,
      listOption,
    )
    .option('--categories <names...>', 'category, several by commas, or all', listOption)
    .option('--category <names...>', 'same as --categories', listOption)
    .option('--samples <n>', 'records of each type', '40')
    .option('--max-ratio <n>', 'fail where hierarchical takes more than so many times the time of flat')
    .option('--report <file>', 'write the measures as JSON')
    .option('--dry-run', 'say what would be measured, and measure nothing', false)
    .option('--yes', 'ask nothing', false)
    .action((options: BenchmarkOptions) => benchmark(options, context));
  promise(verb, { '--compare-systems': 'both systems are timed' });
}

async function benchmark(options: BenchmarkOptions, context: CliContext): Promise<void> {
  const operations = operationsOf(options.operations);
  const given = [...(options.categories ?? []), ...(options.category ?? [])];
  const categories = parseCategories(given.includes('all') ? [] : given, await chosenDefinition());
  const samples = wholeNumber('--samples', options.samples, 1, 200);
  const maxRatio = options.maxRatio === undefined ? null : positiveNumber('--max-ratio', options.maxRatio);
  const connection = connect(options, context.env);
  const invoker = await functionInvoker(connection);
  if (options.dryRun) {
    if (options.json) printDocument('BenchmarkPlan', { categories, operations, samples });
    else
      printData(
        `would time ${operations.join(', ')} of ${samples} records of each type in ${categories.join(', ')}`,
      );
    return;
  }
  if (operations.some((operation) => operation !== 'read')) {
    await confirm(connection, options, 'store sampled records again as they are');
  }
  const lines = liveLines({ quiet: options.json });
  const summaries = await benchmarkState(invoker, { categories, operations, samples }, (category) =>
    lines.update([`measuring  ${category}`]),
  );
  lines.done();
  present(summaries, maxRatio, options, context);
}

function present(
  summaries: readonly AccessSummary[],
  maxRatio: number | null,
  options: BenchmarkOptions,
  context: CliContext,
): void {
  const comparisons = compareAccess(summaries);
  const isMeasured = summaries.some(({ count }) => count > 0);
  const tooSlow = comparisons.filter(({ ratio }) => maxRatio !== null && (ratio ?? Infinity) > maxRatio);
  const passed = isMeasured && tooSlow.length === 0;
  if (!passed) context.setExitCode(exitCodes.gateFailed);
  const document = { passed, maxRatio, measures: summaries, comparisons };
  if (options.report !== undefined) {
    writeDocument(options.report, document);
    note(`Report written to ${options.report}.`);
  }
  if (options.json) {
    printDocument('Benchmark', document);
    return;
  }
  printData(accessTable(summaries));
  printData('');
  for (const line of comparisonLines(comparisons)) printData(line);
  for (const line of skippedLines(summaries)) note(line);
  for (const { category, operation } of tooSlow) note(`Too slow: ${operation} of ${category}.`);
  nextStep(
    passed ? 'hal9-migrate mode migration --disable-dual-write' : 'hal9-migrate state stats --resources',
  );
}

function operationsOf(given: readonly string[] | undefined): readonly AccessOperation[] {
  if (given === undefined || given.length === 0) return ['read'];
  return [...new Set(given.map((name) => oneOf('--operations', name, accessOperations)))];
}
