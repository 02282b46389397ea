import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import { driftOf, totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { badValue, excludes, listOption, oneOf } from '../options.ts';
import { consistencyLines, totalLines } from '../output/consistency-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count, share } from '../output/quantities.ts';
import { verificationTable, verificationVerdict } from '../output/state-views.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { writeDocument } from '../output/write-output.ts';
import { promise } from '../promised-option.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { describeState } from '../state/describe-state.ts';
import { verifyState } from '../state/verify-state.ts';

type VerifyOptions = Options<{
  category?: readonly string[];
  allCategories?: boolean;
  compare?: string;
  systems?: string;
  report?: string;
  verbose?: boolean;
}>;

const systems = ['flat', 'hierarchical', 'legacy'] as const;
const shownDifferences = 10;

export function addVerify(state: Command, context: CliContext): void {
  const verify = addVerb(state, context, {
    name: 'verify',
    description: 'compare every record on both sides, with recomputed hashes',
    examples: [
      'hal9-migrate state verify',
      'hal9-migrate state verify --category configuration,metadata --json',
    ],
  })
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('--all-categories', 'every category, as when --category is absent', false)
    .option('--compare <systems>', 'flat,hierarchical: the two there are')
    .option('--report <file>', 'write the report as JSON')
    .action(async (options: VerifyOptions) => {
      requireSystems('--compare', options.compare);
      if (options.allCategories === true && options.category !== undefined)
        throw excludes('--all-categories', '--category');
      const comparison = await compare(options, context);
      const { report, notCopied } = comparison;
      if (options.json) {
        printDocument('StateVerification', documentOf(comparison));
        return;
      }
      printData(verificationTable(report));
      printData('');
      for (const line of consistencyLines(report, notCopied)) printData(line);
      if (notCopied.length === 0) for (const line of totalLines(report)) printData(line);
      presentVerdict(comparison);
      presentDifferences(report, shownDifferences);
    });
  promise(verify, {
    '--deep': 'every record is compared',
    '--checksums': 'hashes are computed again from the content',
    '--cross-reference': 'both sides are looked through for what the other has not',
  });
}

export function addDiff(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'diff',
    description: 'name the records that differ between both sides; changes nothing',
    examples: ['hal9-migrate state diff', 'hal9-migrate state diff --category metadata --verbose'],
  })
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('--systems <systems>', 'flat,hierarchical: the two there are')
    .option('--verbose', 'all that a comparison names, not only the first ten', false)
    .option('--report <file>', 'write the report as JSON')
    .action(async (options: VerifyOptions) => {
      requireSystems('--systems', options.systems);
      const comparison = await compare(options, context);
      const { report } = comparison;
      if (options.json) {
        printDocument('StateDiff', documentOf(comparison));
        return;
      }
      for (const { kind, category, key } of chosenDifferences(report, options.verbose === true)) {
        printData(`${kind.padEnd(8)} ${category}  ${key.recordType}/${key.id}`);
      }
      presentVerdict(comparison);
      const { mismatches, missing, extra } = totalOf(report);
      if (mismatches + missing + extra > 0) nextStep('hal9-migrate state fix --auto');
    });
}

interface Comparison {
  readonly report: VerificationReport;
  /** Categories of which nothing, or not everything, was copied: their equality proves nothing. */
  readonly notCopied: readonly Category[];
}

async function compare(options: VerifyOptions, context: CliContext): Promise<Comparison> {
  const categories = parseCategories(options.category ?? [], await chosenDefinition());
  const invoker = await functionInvoker(connect(options, context.env));
  const notCopied = await findNotCopied(invoker, categories);
  const lines = liveLines({ quiet: options.json });
  const found = await verifyState(invoker, categories, ({ scanned }) => {
    lines.update([`comparing  ${count(scanned.rows)} rows  ${count(scanned.records)} records`]);
  });
  lines.done();
  const isProven = notCopied.length === 0 || found.outcome !== 'verified';
  const report: VerificationReport = isProven ? found : { ...found, outcome: 'unproven' };
  context.setExitCode(
    report.outcome === 'verified' && notCopied.length === 0 ? exitCodes.ok : exitCodes.gateFailed,
  );
  if (options.report !== undefined) {
    writeDocument(options.report, documentOf({ report, notCopied }));
    note(`Report written to ${options.report}.`);
  }
  return { report, notCopied };
}

async function findNotCopied(
  invoker: FunctionInvoker,
  categories: readonly Category[],
): Promise<readonly Category[]> {
  const { changeLogInstalled, categories: statuses } = await describeState(invoker);
  if (!changeLogInstalled) return categories;
  const complete = new Set(
    statuses.filter(({ backfill }) => backfill.complete).map(({ category }) => category),
  );
  return categories.filter((category) => !complete.has(category));
}

function documentOf({ report, notCopied }: Comparison) {
  return { ...report, notCopied, total: totalOf(report), drift: driftOf(report).share };
}

function presentVerdict({ report, notCopied }: Comparison): void {
  if (notCopied.length > 0) {
    const isNothing = Object.keys(report.byCategory).every((category) => notCopied.includes(category));
    const rest = isNothing ? 'Nothing has been copied yet' : `Not copied yet: ${notCopied.join(', ')}`;
    note(`${rest}; what is not there cannot be consistent.`);
    nextStep('hal9-migrate state migrate');
    return;
  }
  note(`${verificationVerdict(report)} Drift ${share(driftOf(report).share)}.`);
  if (report.outcome === 'verified' && totalOf(report).quarantined > 0)
    nextStep('hal9-migrate state quarantine list');
}

function presentDifferences(report: VerificationReport, most: number): void {
  for (const { kind, category, key } of report.differences.slice(0, most)) {
    note(`  ${kind.padEnd(8)} ${category}  ${key.recordType}/${key.id}`);
  }
}

function chosenDifferences(report: VerificationReport, all: boolean): VerificationReport['differences'] {
  return all ? report.differences : report.differences.slice(0, shownDifferences);
}

/** Both of the two there are; `legacy` is another word for flat. */
function requireSystems(option: string, given: string | undefined): void {
  if (given === undefined) return;
  const named = given.split(',').map((system) => oneOf(option, system, systems));
  const distinct = new Set(named.map((system) => (system === 'legacy' ? 'flat' : system)));
  if (named.length !== 2 || distinct.size !== 2) throw badValue(option, given, 'flat,hierarchical');
}
