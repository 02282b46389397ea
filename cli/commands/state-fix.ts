import { createInterface } from 'node:readline/promises';

import type { Command } from 'commander';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import { totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { listOption } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { verificationVerdict } from '../output/state-views.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { reconcileState, type Reconciliation } from '../state/reconcile-state.ts';

type FixOptions = Options<{
  auto: boolean;
  interactive: boolean;
  guidance: boolean;
  category?: readonly string[];
  dryRun: boolean;
  yes: boolean;
}>;

export function addFix(state: Command, context: CliContext): void {
  const verb = addVerb(state, context, {
    name: 'fix',
    description: 'repair what differs from the authoritative side, never over anything newer',
    examples: [
      'hal9-migrate state fix --auto --safe-only',
      'hal9-migrate state fix --interactive --guidance',
    ],
  })
    .option('--auto', 'repair every difference that flat can mend', false)
    .option('--interactive', 'show the differences of one category after the other, and ask', false)
    .option('--guidance', 'say what each kind of difference means; --interactive always does', false)
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('--dry-run', 'name what differs, and change nothing', false)
    .option('--yes', 'ask nothing', false)
    .action((options: FixOptions) => fix(options, context));
  promise(verb, { '--safe-only': 'nothing newer is ever written over' });
}

async function fix(options: FixOptions, context: CliContext): Promise<void> {
  requireOne(options);
  const categories = parseCategories(options.category ?? [], await chosenDefinition());
  const connection = connect(options, context.env);
  const invoker = await functionInvoker(connection);
  if (options.interactive) {
    await fixInteractively(invoker, categories, options, context);
    return;
  }
  if (!options.dryRun) await confirm(connection, options, `repair ${categories.join(', ')}`);
  const result = await compare(invoker, categories, !options.dryRun, options.json);
  context.setExitCode(exitOf(result.report));
  if (options.json) printDocument('StateFix', documentOf(result, options.dryRun));
  else {
    if (options.guidance)
      for (const category of differingOf(result.report, categories)) explain(result.report, category);
    present(result, options.dryRun);
  }
}

function differingOf(
  { differences }: VerificationReport,
  categories: readonly Category[],
): readonly Category[] {
  return categories.filter((category) => differences.some((difference) => difference.category === category));
}

async function compare(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  doFix: boolean,
  quiet: boolean,
): Promise<Reconciliation> {
  const lines = liveLines({ quiet });
  const request = { categories, fix: doFix, full: true, requestedBy: `operator:${operatorName()}` };
  const result = await reconcileState(invoker, request, ({ scanned }) => {
    lines.update([`comparing  ${count(scanned.rows)} rows  ${count(scanned.records)} records`]);
  });
  lines.done();
  return result;
}

/** What an operator should know before answering. */
const guidance = {
  mismatch:
    'the target holds other content than flat at the same version: it was damaged; flat is written over it',
  missing: 'the target lacks a record of flat: it is written there',
  extra: 'the target has a record that flat does not: it becomes a tombstone',
} as const;

async function fixInteractively(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  options: FixOptions,
  context: CliContext,
): Promise<void> {
  const found = await compare(invoker, categories, false, options.json);
  const differing = differingOf(found.report, categories);
  if (differing.length === 0) {
    context.setExitCode(exitOf(found.report));
    note(verificationVerdict(found.report));
    return;
  }
  requireTerminal();
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (const category of differing) {
      explain(found.report, category);
      const answer = options.dryRun ? 'n' : await prompt.question(`Repair ${category}? [y/N] `);
      if (!/^y(es)?$/i.test(answer.trim())) continue;
      present(await compare(invoker, [category], true, false), false);
    }
  } finally {
    prompt.close();
  }
  nextStep('hal9-migrate state verify');
}

function explain({ differences }: VerificationReport, category: Category): void {
  const ours = differences.filter((difference) => difference.category === category);
  for (const [kind, all] of Map.groupBy(ours, (difference) => difference.kind)) {
    printData(`${category}: ${count(all.length)} ${kind}: ${guidance[kind]}`);
    for (const { key } of all.slice(0, 5)) printData(`  ${key.recordType}/${key.id}`);
  }
}

function present({ report, fixes }: Reconciliation, dryRun: boolean): void {
  if (dryRun) {
    for (const { kind, category, key } of report.differences) {
      printData(`would look at ${kind.padEnd(8)} ${category}  ${key.recordType}/${key.id}`);
    }
  } else {
    printData(`${count(fixes.written)} records repaired`);
    printData(
      `${count(fixes.keptNewer + fixes.changed)} left: newer, or changed meanwhile; ${count(fixes.refused)} left: flat is not the side to mend them from`,
    );
  }
  note(verificationVerdict(report));
  const { quarantined } = totalOf(report);
  if (quarantined > 0) nextStep('hal9-migrate state quarantine list');
  else nextStep(report.outcome === 'verified' ? 'hal9-migrate state verify' : 'hal9-migrate state diff');
}

function documentOf({ report, fixes, rounds }: Reconciliation, dryRun: boolean) {
  return { dryRun, ...report, total: totalOf(report), fixes, rounds };
}

function exitOf({ outcome }: VerificationReport): number {
  return outcome === 'verified' ? exitCodes.ok : exitCodes.gateFailed;
}

function requireTerminal(): void {
  if (process.stdin.isTTY) return;
  throw new HalError({
    name: 'ConfirmationNeeded',
    message: 'There are differences to ask about, and no terminal to ask at.',
    remedy: 'Use `hal9-migrate state fix --auto`, or `hal9-migrate state diff` to see them.',
    exit: 'usage',
  });
}

function requireOne({ auto, interactive, dryRun }: FixOptions): void {
  if (auto !== interactive || (dryRun && !auto)) return;
  throw new HalError({
    name: 'FixUnclear',
    message: 'state fix needs exactly one of --auto and --interactive.',
    remedy: 'Name one of them; --dry-run alone only names what differs.',
    exit: 'usage',
  });
}
