import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { RestoreCounts } from '../../lib/migration/backup/restore-backup.ts';
import type { NewerPolicy } from '../../lib/migration/backup/restore-entries.ts';
import {
  countNewer,
  findCheckpoint,
  requireNoRun,
  restoreCheckpoint,
  type RestoreWish,
} from '../../lib/orchestrator/operations/backup-checkpoint.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { newRunId } from '../new-run-id.ts';
import { excludes, listOption, oneOf } from '../options.ts';
import { recordsLine, restoreLines } from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';

type RestoreOptions = Options<{
  checkpoint?: string;
  toCheckpoint?: string;
  category?: readonly string[];
  newer: string;
  dryRun: boolean;
  yes: boolean;
  force?: boolean;
}>;

const policies = { reapply: 'reapply', quarantine: 'set-aside' } as const;

const categoryHelp = 'category, or several by commas; all when absent';

export function addRestoreVerbs(state: Command, context: CliContext): void {
  withRestoreOptions(
    addVerb(state, context, {
      name: 'restore',
      description:
        'bring the state back to a checkpoint, as new writes; newer writes are kept or quarantined',
      examples: [
        'hal9-migrate state restore --checkpoint pre-state-migration --dry-run',
        'hal9-migrate state restore -c latest --category metadata --newer quarantine',
      ],
    }),
    context,
  ).option('--force', 'ask nothing', false);
  const rollback = withRestoreOptions(
    addVerb(state, context, {
      name: 'rollback',
      description: 'bring one category, or all, back to a checkpoint; no other category is touched',
      examples: [
        'hal9-migrate state rollback --category neuron-states --to-checkpoint latest',
        'hal9-migrate state rollback --to-checkpoint pre-state-migration --force',
      ],
    }),
    context,
  )
    .option('--to-checkpoint <id>', 'same as --checkpoint')
    .option('--force', 'ask nothing', false);
  promise(rollback, { '--preserve-others': 'no category but those named is touched' });
  const recover = withRestoreOptions(
    addVerb(state, context, {
      name: 'recover',
      description: 'mend damaged and lost records from a backup; every newer write stays',
      examples: ['hal9-migrate state recover --from-backup --quarantine-corrupted'],
    }),
    context,
  );
  promise(recover, {
    '--from-backup': 'a backup is what is read, the newest unless --checkpoint names another',
    '--validate-each': 'the hash of every record is checked',
    '--quarantine-corrupted': 'what cannot be read of the backup goes to quarantine',
  });
}

function withRestoreOptions(verb: Command, context: CliContext): Command {
  return verb
    .option('-c, --checkpoint <id>', 'id, name, or latest; latest when absent')
    .option('--category <names...>', categoryHelp, listOption)
    .option(
      '--newer <policy>',
      'acknowledged writes newer than the checkpoint: reapply keeps them, quarantine sets them aside',
      'reapply',
    )
    .option('--dry-run', 'count what would be done, and change nothing', false)
    .option('--yes', 'ask nothing', false)
    .action((options: RestoreOptions) => restore(options, context));
}

function checkpointOf({ checkpoint, toCheckpoint }: RestoreOptions): string {
  if (checkpoint !== undefined && toCheckpoint !== undefined)
    throw excludes('--to-checkpoint', '--checkpoint');
  return toCheckpoint ?? checkpoint ?? 'latest';
}

async function restore(options: RestoreOptions, context: CliContext): Promise<void> {
  const newer = policies[oneOf('--newer', options.newer, ['reapply', 'quarantine'])];
  const categories = parseCategories(options.category ?? [], await chosenDefinition());
  const chosen = checkpointOf(options);
  const connection = connect(options, context.env);
  const control = await openControlPlane(connection);
  await requireNoRun(control);
  const { checkpointId } = await findCheckpoint(control, chosen, 'backup');
  const wish: RestoreWish = {
    restoreId: newRunId().replace(/^run/, 'restore'),
    checkpointId,
    categories,
    newer,
    dryRun: options.dryRun,
  };
  const newerWrites = await countNewer(control, wish);
  if (!options.json) sayNewer(newerWrites, newer);
  if (!options.dryRun) {
    const yes = options.yes || options.force === true;
    await confirm(connection, { yes }, `restore ${categories.join(', ')} from ${checkpointId}`);
  }
  const counts = await watchRestore(control, wish, options.json);
  if (counts.damaged > 0 || counts.rejected > 0) context.setExitCode(exitCodes.partial);
  if (options.json) {
    printDocument('RestoreResult', { ...wish, newerWrites, counts });
    return;
  }
  present(counts, options.dryRun);
}

function present(counts: RestoreCounts, dryRun: boolean): void {
  for (const line of restoreLines(counts, dryRun)) printData(line);
  const inQuarantine = counts.setAside + counts.removed + counts.damaged + counts.rejected;
  nextStep(inQuarantine > 0 ? 'hal9-migrate state quarantine list' : 'hal9-migrate state verify');
}

type NewerCounts = Awaited<ReturnType<typeof countNewer>>;

function sayNewer(counts: NewerCounts, newer: NewerPolicy): void {
  const known = counts.reduce((sum, { writes }) => sum + (writes ?? 0), 0);
  const unknown = counts.filter(({ writes }) => writes === null).map(({ category }) => category);
  const fate = newer === 'reapply' ? 'they stay' : 'they go to quarantine';
  note(`${count(known)} acknowledged writes are newer than the checkpoint; ${fate}.`);
  if (unknown.length > 0) {
    note(
      `No change log counts them for ${unknown.join(', ')}; each is found by its version while restoring.`,
    );
  }
}

async function watchRestore(
  control: CliControlPlane,
  wish: RestoreWish,
  json: boolean,
): Promise<RestoreCounts> {
  const lines = liveLines({ quiet: json });
  const startedAtMs = performance.now();
  const counts = await restoreCheckpoint(control, wish, (progress, entries) => {
    lines.update([recordsLine(progress.entries, entries, performance.now() - startedAtMs)]);
  });
  lines.done();
  return counts;
}
