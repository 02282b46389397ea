import type { Command } from 'commander';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import { nearestName } from '../../lib/kernel/nearest-name.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import {
  disableMigrationMode,
  enableMigrationMode,
  moveAuthority,
  requireFlatAuthority,
} from '../../lib/orchestrator/operations/change-mode.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect, type Connection } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { listOption, needs } from '../options.ts';
import { modeLines } from '../output/mode-views.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { describeState } from '../state/describe-state.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type MigrationOptions = Options<{
  enable: boolean;
  disable: boolean;
  disableDualWrite: boolean;
  category?: readonly string[];
  dryRun: boolean;
  yes: boolean;
}>;

export function addModeVerbs(program: Command, context: CliContext): void {
  const mode = program.command('mode').description(verbDescriptions.mode);
  addMigration(mode, context);
  addFlatOnly(mode, context);
  addVerb(mode, context, {
    name: 'status',
    description: 'where writes of each category go',
    examples: ['hal9-migrate mode status'],
  }).action((options: Options) => show(connect(options, context.env), options.json));
  addJob(mode, context);
}

function addMigration(mode: Command, context: CliContext): void {
  addVerb(mode, context, {
    name: 'migration',
    description: 'dual write, reconciliation and audit on, non-critical features paused; or the end of it',
    examples: ['hal9-migrate mode migration --enable', 'hal9-migrate mode migration --disable-dual-write'],
  })
    .option('--enable', 'flat logs its changes and the relay brings them to the hierarchical side', false)
    .option('--disable', 'resume what was paused; categories stay where they are', false)
    .option(
      '--disable-dual-write',
      'give the authority to the hierarchical side, category by category',
      false,
    )
    .option('--category <names...>', 'only these, with --disable-dual-write', listOption)
    .option('--dry-run', 'say what would change, and change nothing', false)
    .option('--yes', 'ask nothing', false)
    .action(async (options: MigrationOptions) => {
      requireOne(options);
      if (options.category !== undefined && !options.disableDualWrite)
        throw needs('--category', '--disable-dual-write');
      const connection = connect(options, context.env);
      if (options.dryRun) return await show(connection, options.json);
      await confirm(connection, options, 'change the migration mode');
      const { deps, by } = await openMode(connection);
      if (options.enable) await enableMigrationMode(deps, { by });
      if (options.disable) await disableMigrationMode(deps, { by });
      if (options.disableDualWrite) {
        const given = options.category ?? [];
        const categories = given.length === 0 ? null : parseCategories(given, await chosenDefinition());
        await moveAuthority(deps, { to: 'hierarchical', categories, by });
      }
      await show(connection, options.json);
    });
}

function addJob(mode: Command, context: CliContext): void {
  addVerb(mode, context, {
    name: 'job',
    description:
      'whether a job of the flat system may run now; ends with 0 when it may, with 9 while it is paused',
    examples: ['hal9-migrate mode job memory-cleanup'],
  })
    .argument('<name>', 'the job, as the migration file names it')
    .action(async (name: string, options: Options) => {
      const job = parseJob(name, await chosenDefinition());
      const { settings } = await describeState(await functionInvoker(connect(options, context.env)));
      const { enabled, pausedJobs = [], by } = settings.migrationMode;
      const isPaused = enabled && pausedJobs.includes(job);
      if (isPaused) context.setExitCode(exitCodes.conflict);
      if (options.json) printDocument('JobPermission', { job, paused: isPaused });
      else printData(isPaused ? `${job} is paused: the migration mode is on, by ${by}` : `${job} may run`);
    });
}

/** Throws HalError `UnknownJob`: one that nobody declared non-critical is never paused. */
function parseJob(given: string, { nonCriticalJobs = {} }: MigrationDefinition): string {
  const known = [...new Set(Object.values(nonCriticalJobs).flat())];
  if (known.includes(given)) return given;
  const suggestion = nearestName(given, known);
  throw new HalError({
    name: 'UnknownJob',
    message: `No job "${given}" is declared non-critical.${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`,
    remedy:
      known.length === 0
        ? 'Declare it in the migration file: nonCriticalJobs of its category.'
        : `Choose one of ${known.join(', ')}, or declare it in the migration file.`,
    exit: 'usage',
    facts: { given, known },
  });
}

function addFlatOnly(mode: Command, context: CliContext): void {
  addVerb(mode, context, {
    name: 'flat-only',
    description: 'flat has authority over everything; what the hierarchical side took is carried back first',
    examples: ['hal9-migrate mode flat-only --force'],
  })
    .option('--force', 'take the authority back where it has moved', false)
    .option('--dry-run', 'say what would change, and change nothing', false)
    .action(async (options: Options<{ force: boolean; dryRun: boolean }>) => {
      const connection = connect(options, context.env);
      if (options.dryRun) return await show(connection, options.json);
      const { deps, by } = await openMode(connection);
      if (!options.force) await requireFlatAuthority(deps);
      await moveAuthority(deps, { to: 'flat', categories: null, by });
      await disableMigrationMode(deps, { by });
      await show(connection, options.json);
    });
}

async function openMode(connection: Connection) {
  const control = await openControlPlane(connection);
  const { nonCriticalFeatures } = connection.deploy;
  const { nonCriticalJobs = {} } = await chosenDefinition();
  const jobs = [...new Set(Object.values(nonCriticalJobs).flat())];
  return {
    deps: { ...control, clock: { nowMs: () => Date.now() }, nonCriticalFeatures, nonCriticalJobs: jobs },
    by: operatorName(),
  };
}

async function show(connection: Connection, json: boolean): Promise<void> {
  const description = await describeState(await functionInvoker(connection));
  if (json) {
    const { settings, categories } = description;
    printDocument('Mode', { migrationMode: settings.migrationMode, categories });
    return;
  }
  printData(modeLines(description).join('\n'));
  if (!description.changeLogInstalled) note('Flat does not log its changes yet.');
  nextStep('hal9-migrate state status');
}

function requireOne({ enable, disable, disableDualWrite }: MigrationOptions): void {
  if ([enable, disable, disableDualWrite].filter(Boolean).length === 1) return;
  throw new HalError({
    name: 'ModeUnclear',
    message: 'mode migration needs exactly one of --enable, --disable and --disable-dual-write.',
    remedy: 'Name one of them; `hal9-migrate mode status` shows the present mode.',
    exit: 'usage',
  });
}
