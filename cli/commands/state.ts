import { writeFileSync } from 'node:fs';

import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { driftOf, totalOf } from '../../lib/migration/verification-report.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption, oneOf, positiveNumber } from '../options.ts';
import { againstLines, workerLines } from '../output/limit-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { modeLines } from '../output/mode-views.ts';
import { count, duration, share } from '../output/quantities.ts';
import { copyLine, statusTable, verificationTable, verificationVerdict } from '../output/state-views.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { describeState } from '../state/describe-state.ts';
import { configureState, perSecond } from '../state/limits.ts';
import { migrateState } from '../state/migrate-state.ts';
import { verifyState } from '../state/verify-state.ts';
import { addCheckpointVerbs } from './state-checkpoints.ts';
import { addPlanVerb } from './state-plan.ts';
import { addQuarantineVerbs } from './state-quarantine.ts';
import { addRestoreVerbs } from './state-restore.ts';
import { addStateValidate } from './validate.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type CategoryOptions = Options<{ category?: readonly string[] }>;

export function addStateVerbs(program: Command, context: CliContext): void {
  const state = program.command('state').description(verbDescriptions.state);
  addPlanVerb(state, context);
  addMigrate(state, context);
  addProgress(state, context);
  addVerify(state, context);
  addStatus(state, context);
  addCheckpointVerbs(state, context);
  addRestoreVerbs(state, context);
  addQuarantineVerbs(state, context);
  addStateValidate(state, context);
}

const categoryHelp = 'category, or several by commas; all when absent';

function addMigrate(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'migrate',
    description: 'copy the state while it is being written; run again to resume',
    examples: ['hal9-migrate state migrate', 'hal9-migrate state migrate --category user-sessions'],
  })
    .option('--category <names...>', categoryHelp, listOption)
    .option('--rate-limit <n/s>', 'records per second of each worker, or off; kept for later runs')
    .option('--timeout <seconds>', 'stop watching after this long; the copy goes on')
    .option('--dry-run', 'say what would be copied, and change nothing', false)
    .action(async (options: CategoryOptions & { timeout?: string; rateLimit?: string; dryRun: boolean }) => {
      const definition = await chosenDefinition();
      const categories = parseCategories(options.category ?? [], definition);
      const timeoutMs =
        options.timeout === undefined ? null : positiveNumber('--timeout', options.timeout) * 1000;
      const rateLimit =
        options.rateLimit === undefined ? undefined : perSecond('--rate-limit', options.rateLimit);
      const connection = connect(options, context.env);
      const invoker = await functionInvoker(connection);
      if (options.dryRun) {
        const { tables } = (await invoker.invoke('prepare-source', { action: 'inspect' })) as SourceTables;
        const chosen = tables.filter(({ category }) => categories.includes(category));
        if (options.json) printDocument('StateMigratePlan', { tables: chosen });
        else
          for (const { recordType, rowCount } of chosen)
            printData(`would copy ${count(rowCount)} rows of ${recordType}`);
        return;
      }
      if (rateLimit !== undefined) await configureState(invoker, { rateLimitPerWorker: rateLimit });
      const lines = liveLines({ quiet: options.json });
      const startedAtMs = performance.now();
      let copiedBefore: number | null = null;
      const result = await migrateState(invoker, {
        categories,
        definition,
        region: connection.region,
        workers: connection.deploy.workers.migrateConcurrency,
        timeoutMs,
        onProgress: (progress) => {
          // A resumed copy begins with what was there; only what came since then tells how fast it is.
          copiedBefore ??= progress.copiedRows;
          const seconds = Math.max(0.001, (performance.now() - startedAtMs) / 1000);
          lines.update([copyLine(progress, (progress.copiedRows - copiedBefore) / seconds)]);
        },
      });
      lines.done();
      if (options.json) {
        printDocument('StateMigrateResult', { categories, ...result });
        return;
      }
      note(
        `Copied ${count(result.copiedRows)} rows in ${duration(result.elapsedMs)}; ${count(result.quarantined)} in quarantine.`,
      );
      nextStep('hal9-migrate state verify');
    });
}

interface SourceTables {
  readonly tables: readonly {
    readonly recordType: string;
    readonly category: string;
    readonly rowCount: number;
  }[];
}

function addProgress(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'progress',
    description: 'how far the copy is, per category',
    examples: ['hal9-migrate state progress', 'hal9-migrate state progress --category user-sessions'],
  })
    .option('--category <names...>', categoryHelp, listOption)
    .action(async (options: CategoryOptions) => {
      const chosen = parseCategories(options.category ?? [], await chosenDefinition());
      const { changeLogInstalled, categories, settings, workers, forecast } = await describeState(
        await functionInvoker(connect(options, context.env)),
      );
      const shown = categories.filter(({ category }) => chosen.includes(category));
      if (options.json) {
        printDocument('StateProgress', {
          started: changeLogInstalled,
          categories: shown,
          settings,
          workers,
          forecast,
        });
        return;
      }
      if (!changeLogInstalled) {
        note('Nothing has been copied yet.');
        return;
      }
      printData(statusTable(shown));
      for (const line of workerLines(workers)) printData(line);
      for (const line of forecast === null ? [] : againstLines(forecast)) printData(line);
    });
}

function addStatus(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'status',
    description: 'authority, copy, lag and quarantine of every category',
    examples: ['hal9-migrate state status', 'hal9-migrate state status --json'],
  }).action(async (options: Options) => {
    const description = await describeState(await functionInvoker(connect(options, context.env)));
    if (options.json) {
      printDocument('StateStatus', { ...description });
      return;
    }
    printData(modeLines(description).join('\n'));
    if (description.changeLogInstalled) printData(statusTable(description.categories));
    else note('Nothing has been copied yet: flat has authority over every category.');
    nextStep(description.changeLogInstalled ? 'hal9-migrate state verify' : 'hal9-migrate state migrate');
  });
}

type VerifyOptions = CategoryOptions & { readonly compare?: string; readonly report?: string };

const systems = ['flat', 'hierarchical'] as const;

function addVerify(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'verify',
    description: 'compare every record on both sides, with recomputed hashes',
    examples: [
      'hal9-migrate state verify',
      'hal9-migrate state verify --category configuration,metadata --json',
    ],
  })
    .option('--category <names...>', categoryHelp, listOption)
    .option('--all-categories', 'every category (the default)', false)
    .option('--deep', 'every record (the default; kept for scripts that say it)', false)
    .option('--checksums', 'hashes computed again from the content (always; kept for scripts)', false)
    .option('--cross-reference', 'both directions (always; kept for scripts)', false)
    .option('--compare <systems>', 'flat,hierarchical: the two there are')
    .option('--report <file>', 'write the report as JSON')
    .action(async (options: VerifyOptions) => {
      for (const system of options.compare?.split(',') ?? []) oneOf('--compare', system, systems);
      const categories = parseCategories(options.category ?? [], await chosenDefinition());
      const invoker = await functionInvoker(connect(options, context.env));
      const lines = liveLines({ quiet: options.json });
      const report = await verifyState(invoker, categories, ({ scanned }) => {
        lines.update([`verifying  ${count(scanned.rows)} rows  ${count(scanned.records)} records`]);
      });
      lines.done();
      context.setExitCode(report.outcome === 'verified' ? exitCodes.ok : exitCodes.gateFailed);
      const drift = driftOf(report).share;
      const document = { ...report, total: totalOf(report), drift };
      if (options.report !== undefined) {
        writeFileSync(options.report, `${JSON.stringify(document, null, 2)}\n`);
        note(`Report written to ${options.report}.`);
      }
      if (options.json) {
        printDocument('StateVerification', document);
        return;
      }
      printData(verificationTable(report));
      note(`${verificationVerdict(report)} Drift ${share(drift)}.`);
      for (const { kind, category, key } of report.differences.slice(0, 10)) {
        note(`  ${kind.padEnd(8)} ${category}  ${key.recordType}/${key.id}`);
      }
    });
}
