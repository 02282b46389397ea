import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { MatchingCounts } from '../../lib/migration/copy-matching.ts';
import { parseRowFilter, type RowFilter } from '../../lib/migration/row-filter.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { untilInterrupted } from '../interrupt.ts';
import { functionInvoker } from '../invoker.ts';
import { badValue, excludes, listOption, needs, oneOf, positiveNumber, wholeNumber } from '../options.ts';
import { finishedLines } from '../output/edition-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count, duration } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { copyMatching } from '../state/copy-matching.ts';
import { finishCopy, requireOneSmallCategory, type FinishedCopy } from '../state/finish-copy.ts';
import { configureState, perSecond } from '../state/limits.ts';
import type { MigrateStateResult } from '../state/migrate-state.ts';
import { waitForOthers } from '../state/wait-for-others.ts';
import { watchCopy } from '../state/watch-copy.ts';

type MigrateOptions = Options<{
  category?: readonly string[];
  timeout?: string;
  rateLimit?: string;
  priority?: string;
  lowPriority: boolean;
  checkpointInterval?: string;
  filter?: string;
  type?: readonly string[];
  atomic: boolean;
  preserveOrder: boolean;
  dryRun: boolean;
}>;

const priorities = ['high', 'normal', 'low'] as const;

/** Rows of the longest page; after each of them there is a checkpoint. */
const rowsBetweenCheckpoints = 250;

export function addMigrate(state: Command, context: CliContext): void {
  const verb = addVerb(state, context, {
    name: 'migrate',
    description: 'copy the state while it is being written; run again to resume',
    examples: ['hal9-migrate state migrate', 'hal9-migrate state migrate --category user-sessions'],
  })
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .option('--filter <name=value>', 'copy what matches first, for example active=true or layer=substrate')
    .option('--type <kinds...>', 'same as --filter kind=..., for the kinds of metadata', listOption)
    .option('--preserve-order', 'then check and seal the chain of audit events, as `state audit` does', false)
    .option('--rate-limit <n/s>', 'records per second of each worker, or off; kept for later runs')
    .option('--timeout <seconds>', 'stop watching after this long; the copy goes on')
    .option(
      '--priority <level>',
      'high: ahead of the ranges, for a filter; low: while no other category is being copied',
    )
    .option('--low-priority', 'same as --priority low', false)
    .option(
      '--checkpoint-interval <rows>',
      `most rows between checkpoints; there is one every ${rowsBetweenCheckpoints} at least`,
    )
    .option('--atomic', 'then make a small category visible all at once, as `config publish` does', false)
    .option('--dry-run', 'say what would be copied, and change nothing', false)
    .action((options: MigrateOptions) => migrate(options, context));
  promise(verb, {
    '--batch-mode': 'many rows are copied at once',
    '--validate-each': 'every record is checked on its way',
    '--verify-each': 'every record is checked on its way',
  });
}

async function migrate(options: MigrateOptions, context: CliContext): Promise<void> {
  const definition = await chosenDefinition();
  const { categories, timeoutMs, rateLimit, filter, priority } = readWish(options, definition);
  const connection = connect(options, context.env);
  const invoker = await functionInvoker(connection);
  if (options.dryRun) return await presentPlan(invoker, categories, options.json);
  if (rateLimit !== undefined) await configureState(invoker, { rateLimitPerWorker: rateLimit });
  const request = { categories, definition, timeoutMs, json: options.json };
  const yields = priority === 'low';
  if (yields) await waitForOthers(invoker, request);
  if (filter !== null) {
    const matching = await watchMatching(invoker, { ...request, filter, yields });
    if (matching.left > 0) return presentMatching(matching, filter, options);
  }
  const result = await watchCopy(invoker, connection, request);
  const finished = await finishCopy(invoker, categories, { ...options, isComplete: !result.copy.stopped });
  if (result.copy.stopped || !finished.isSound) context.setExitCode(exitCodes.gateFailed);
  present({ categories, ...result }, finished, options.json);
}

function present(
  result: MigrateStateResult & { readonly categories: readonly Category[] },
  finished: FinishedCopy,
  json: boolean,
): void {
  if (json) {
    const { editions, audit } = finished;
    printDocument('StateMigrateResult', { ...result, editions, audit });
    return;
  }
  const { copy } = result;
  note(
    `Copied ${count(result.copiedRows)} rows in ${duration(result.elapsedMs)}; ${count(result.quarantined)} in quarantine.`,
  );
  for (const line of finishedLines(finished)) note(line);
  if (copy.stopped) note(`Now the copy is stopped by ${copy.by}: ${copy.reason}.`);
  nextStep(`hal9-migrate state ${copy.stopped ? 'quarantine list' : 'verify'}`);
}

/** Throws HalErrors `UnknownCategory`, `BadOptionValue`, `FilterInvalid`. */
function readWish(options: MigrateOptions, definition: MigrationDefinition) {
  const categories = parseCategories(options.category ?? [], definition);
  if (options.checkpointInterval !== undefined) {
    wholeNumber('--checkpoint-interval', options.checkpointInterval, rowsBetweenCheckpoints);
  }
  requireOneSmallCategory(options);
  const timeoutMs =
    options.timeout === undefined ? null : positiveNumber('--timeout', options.timeout) * 1000;
  const rateLimit =
    options.rateLimit === undefined ? undefined : perSecond('--rate-limit', options.rateLimit);
  const filter = filterOf(options);
  return { categories, timeoutMs, rateLimit, filter, priority: priorityOf(options, filter) };
}

/** What a filter names is copied ahead of the ranges; nothing else can be ahead of anything. */
function priorityOf(
  { priority, lowPriority }: MigrateOptions,
  filter: RowFilter | null,
): (typeof priorities)[number] {
  if (priority === undefined) return lowPriority ? 'low' : 'normal';
  const chosen = oneOf('--priority', priority, priorities);
  if (lowPriority && chosen !== 'low') throw excludes(`--priority ${chosen}`, '--low-priority');
  if (chosen === 'high' && filter === null) throw needs('--priority high', '--filter');
  return chosen;
}

const metadataKinds = ['metrics', 'logs', 'traces', 'audit'] as const;

function filterOf({ filter, type = [] }: MigrateOptions): RowFilter | null {
  for (const kind of type) oneOf('--type', kind, metadataKinds);
  if (filter === undefined) return type.length === 0 ? null : { name: 'kind', values: type };
  if (type.length === 0) return parseRowFilter(filter);
  throw badValue('--filter', filter, 'given without --type, which is a filter of its own');
}

async function watchMatching(
  invoker: FunctionInvoker,
  request: {
    readonly categories: readonly Category[];
    readonly filter: RowFilter;
    readonly json: boolean;
    readonly yields: boolean;
  },
): Promise<MatchingCounts> {
  const lines = liveLines({ quiet: request.json });
  const goesOn = {
    what: 'What was copied stays, and the rest',
    watch: 'hal9-migrate state progress --watch',
    stop: 'hal9-migrate state-migration --stop',
  };
  const counts = await untilInterrupted(goesOn, (signal) =>
    copyMatching(invoker, { ...request, signal }, ({ matched, read }) => {
      if (!signal.aborted) lines.update([`${count(matched)} of ${count(read)} rows match and are copied`]);
    }),
  );
  lines.done();
  return counts;
}

function presentMatching(counts: MatchingCounts, { name, values }: RowFilter, options: MigrateOptions): void {
  if (options.json) {
    printDocument('StateMigrateMatching', { filter: { name, values }, counts, complete: false });
    return;
  }
  note(
    `Copied ${count(counts.matched)} rows with ${name}=${values.join(',')}; ${count(counts.left)} others are left for later.`,
  );
  nextStep('hal9-migrate state migrate copies the rest');
}

interface SourceTables {
  readonly tables: readonly {
    readonly recordType: string;
    readonly category: string;
    readonly rowCount: number;
  }[];
}

async function presentPlan(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  json: boolean,
): Promise<void> {
  const { tables } = (await invoker.invoke('prepare-source', { action: 'inspect' })) as SourceTables;
  const chosen = tables.filter(({ category }) => categories.includes(category));
  if (json) {
    printDocument('StateMigratePlan', { tables: chosen });
    return;
  }
  for (const { recordType, rowCount } of chosen) {
    printData(`would copy ${count(rowCount)} rows of ${recordType}`);
  }
}
