import type { Command } from 'commander';

import { applyChange, type SettingsChange } from '../../lib/migration/settings.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { badValue, positiveNumber, wholeNumber } from '../options.ts';
import { settingsLines } from '../output/limit-views.ts';
import { note, printData, printDocument } from '../output/terminal.ts';
import { describeState } from '../state/describe-state.ts';
import { configureState, durationMs, onOrOff, perSecond } from '../state/limits.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type MigrationOptions = Options<{
  batchSize?: string;
  rateLimit?: string;
  parallelWorkers?: string;
  writeUnits?: string;
  validationMode?: string;
  quarantineLimit?: string;
  lagLimit?: string;
  stallLimit?: string;
  dryRun: boolean;
}>;

type ReconciliationOptions = Options<{
  interval?: string;
  autoFix?: string;
  alertThreshold?: string;
  dryRun: boolean;
}>;

export function addConfigureVerbs(program: Command, context: CliContext): void {
  const configure = program.command('configure').description(verbDescriptions.configure);
  addVerb(configure, context, {
    name: 'state-migration',
    description: 'limits of the copy and of a switch; a running copy follows within a page',
    examples: [
      'hal9-migrate configure state-migration --rate-limit 100/s --parallel-workers 4',
      'hal9-migrate configure state-migration --write-units 20000/s',
    ],
  })
    .option('--batch-size <rows>', 'rows of one range')
    .option('--rate-limit <n/s>', 'records per second of each worker, or off')
    .option('--parallel-workers <n>', 'workers that copy at once, or off')
    .option('--write-units <n/s>', 'write units per second of all workers together, or off')
    .option('--validation-mode <mode>', 'strict stops the copy at quarantined records, lenient goes on')
    .option('--quarantine-limit <records>', 'how many a strict copy admits before it stops')
    .option('--lag-limit <entries>', 'log entries that the target may lack when a switch begins')
    .option('--stall-limit <duration>', 'longest stall of writers at a switch, for example 1s')
    .option('--dry-run', 'say what would change, and change nothing', false)
    .action((options: MigrationOptions) => configureWith(context, options, migrationChange(options)));
  addVerb(configure, context, {
    name: 'reconciliation',
    description: 'how often both sides are compared, and what is done about drift',
    examples: ['hal9-migrate configure reconciliation --interval 30s --auto-fix true'],
  })
    .option('--interval <duration>', 'between two comparisons')
    .option('--auto-fix <bool>', 'true or false')
    .option('--alert-threshold <share>', 'drift from which on the alarm is raised, 0 to 1')
    .option('--dry-run', 'say what would change, and change nothing', false)
    .action((options: ReconciliationOptions) =>
      configureWith(context, options, reconciliationChange(options)),
    );
}

async function configureWith(
  context: CliContext,
  options: Options<{ dryRun: boolean }>,
  change: SettingsChange,
): Promise<void> {
  const connection = connect(options, context.env);
  const invoker = await functionInvoker(connection);
  if (options.dryRun) {
    const before = (await describeState(invoker)).settings;
    const after = applyChange(before, change);
    if (options.json) printDocument('SettingsPlan', { before, after });
    else printData(settingsLines(after).join('\n'));
    return;
  }
  const settings = await configureState(invoker, change);
  const control = await openControlPlane(connection);
  await control.audit.append({
    atMs: Date.now(),
    principal: `operator:${operatorName()}`,
    action: 'configure',
    facts: { change },
  });
  if (options.json) printDocument('Settings', { ...settings });
  else {
    printData(settingsLines(settings.after).join('\n'));
    note('A running copy follows with its next page.');
  }
}

/** What was not given stays as it is. */
function migrationChange(options: MigrationOptions): SettingsChange {
  const { batchSize, rateLimit, parallelWorkers, writeUnits, validationMode, lagLimit, stallLimit } = options;
  const { quarantineLimit } = options;
  const switchLimits = {
    ...(lagLimit === undefined ? {} : { relayLagEntries: wholeNumber('--lag-limit', lagLimit, 0) }),
    ...(stallLimit === undefined ? {} : { stallMs: durationMs('--stall-limit', stallLimit) }),
  };
  return {
    ...(batchSize === undefined ? {} : { batchSize: wholeNumber('--batch-size', batchSize, 1) }),
    ...(rateLimit === undefined ? {} : { rateLimitPerWorker: perSecond('--rate-limit', rateLimit) }),
    ...(parallelWorkers === undefined
      ? {}
      : { parallelWorkers: perSecond('--parallel-workers', parallelWorkers) }),
    ...(writeUnits === undefined ? {} : { writeUnitsPerSecond: perSecond('--write-units', writeUnits) }),
    ...(validationMode === undefined ? {} : { validationMode: validationOf(validationMode) }),
    ...(quarantineLimit === undefined
      ? {}
      : { quarantineLimit: wholeNumber('--quarantine-limit', quarantineLimit, 0) }),
    ...(Object.keys(switchLimits).length === 0 ? {} : { switchLimits }),
  };
}

function reconciliationChange(options: ReconciliationOptions): SettingsChange {
  const { interval, autoFix, alertThreshold } = options;
  return {
    reconciliation: {
      ...(interval === undefined ? {} : { intervalMs: durationMs('--interval', interval) }),
      ...(autoFix === undefined ? {} : { autoFix: onOrOff('--auto-fix', autoFix) }),
      ...(alertThreshold === undefined
        ? {}
        : { alertThreshold: positiveNumber('--alert-threshold', alertThreshold) }),
    },
  };
}

function validationOf(given: string): 'strict' | 'lenient' {
  const text = given.trim().toLowerCase();
  if (text === 'strict' || text === 'lenient') return text;
  throw badValue('--validation-mode', given, 'strict or lenient');
}
