import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { Fixes } from '../../lib/migration/reconcile-state.ts';
import {
  driftOf,
  readShareOf,
  totalOf,
  type VerificationReport,
} from '../../lib/migration/verification-report.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { listOption, oneOf } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { verificationTable, verificationVerdict } from '../output/state-views.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { writeDocument } from '../output/write-output.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { reconcileState } from '../state/reconcile-state.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type ReconcileOptions = Options<{
  category?: readonly string[];
  fixMode: string;
  report?: string;
  full: boolean;
  dryRun: boolean;
}>;

const fixModes = ['auto', 'none'] as const;

export function addReconcileVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'reconcile',
    description: verbDescriptions.reconcile,
    examples: [
      'hal9-migrate reconcile --full --fix-mode auto --report reconcile-report.json',
      'hal9-migrate reconcile --category configuration --dry-run',
    ],
  })
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('--full', 'every record, even where digests of both sides are kept', false)
    .option('--fix-mode <mode>', 'auto: write the content of flat where the target differs; none', 'auto')
    .option('--report <file>', 'write the report as JSON')
    .option('--dry-run', 'compare only, as with --fix-mode none', false)
    .action(async (options: ReconcileOptions) => {
      const fix = oneOf('--fix-mode', options.fixMode, fixModes) === 'auto' && !options.dryRun;
      const categories = parseCategories(options.category ?? [], await chosenDefinition());
      const invoker = await functionInvoker(connect(options, context.env));
      const lines = liveLines({ quiet: options.json });
      const request = { categories, fix, full: options.full, requestedBy: `operator:${operatorName()}` };
      const { report, fixes, rounds } = await reconcileState(invoker, request, ({ scanned }) => {
        lines.update([`comparing  ${count(scanned.rows)} rows  ${count(scanned.records)} records`]);
      });
      lines.done();
      context.setExitCode(report.outcome === 'verified' ? exitCodes.ok : exitCodes.gateFailed);
      const document = {
        ...report,
        total: totalOf(report),
        drift: driftOf(report).share,
        readShare: readShareOf(report),
        fixes,
        rounds,
      };
      if (options.report !== undefined) {
        writeDocument(options.report, document);
        note(`Report written to ${options.report}.`);
      }
      if (options.json) {
        printDocument('Reconciliation', document);
        return;
      }
      printData(verificationTable(report));
      note(verificationVerdict(report));
      note(readText(report));
      note(fix ? fixesText(fixes) : 'Nothing was repaired: that was not asked for.');
      if (report.outcome === 'differences') nextStep('hal9-migrate state verify --json');
    });
}

function fixesText({ written, keptNewer, changed, refused }: Fixes): string {
  const kept = `${count(keptNewer)} were newer on the target, ${count(changed)} changed meanwhile`;
  return `${count(written)} records repaired; ${kept}, ${count(refused)} may not be repaired from flat.`;
}

/** What the last comparison read, and what it rests on. */
function readText(report: VerificationReport): string {
  const { kept, scanned } = report;
  const read = `${count(scanned.rows)} rows and ${count(scanned.records)} records read`;
  const share = `${(readShareOf(report) * 100).toFixed(4)} % of all`;
  if (kept === undefined) return `${read}, ${share}.`;
  const since = new Date(kept.anchoredAtMs).toISOString();
  return `${read}, ${share}: digests are kept since both sides were compared completely at ${since}; --full compares completely again.`;
}
