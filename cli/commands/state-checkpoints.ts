import type { Command } from 'commander';
import { exitCodes } from '../../lib/kernel/errors.ts';
import type { BackupVerification } from '../../lib/migration/backup/verify-backup.ts';
import type { Checkpoint } from '../../lib/orchestrator/checkpoint.ts';
import {
  createHashedCheckpoint,
  findCheckpoint,
  readBackupManifest,
  verifyCheckpoint,
} from '../../lib/orchestrator/operations/backup-checkpoint.ts';
import {
  createCheckpoint,
  listCheckpoints,
  type CheckpointRequest,
} from '../../lib/orchestrator/operations/checkpoints.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { operatorName } from '../operator.ts';
import { excludes, needs } from '../options.ts';
import {
  bytes,
  checkpointTable,
  hashTable,
  recordsLine,
  verificationLine,
} from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { writeDocument } from '../output/write-output.ts';

type CheckpointOptions = Options<{
  name: string;
  description?: string;
  fullBackup: boolean;
  full: boolean;
  verify: boolean;
  countsOnly: boolean;
  dryRun: boolean;
}>;

export function addCheckpointVerbs(state: Command, context: CliContext): void {
  addCheckpoint(state, context);
  addBackup(state, context);
  addList(state, context);
  addVerifyCheckpoint(state, context);
  addExportManifest(state, context);
}

function addCheckpoint(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'checkpoint',
    description: 'write down where everything stands: flags, authority, a hash per category; back it up',
    examples: [
      'hal9-migrate state checkpoint -n pre-canary -d "Before canary deployment"',
      'hal9-migrate state checkpoint --name pre-state --full-backup --verify',
    ],
  })
    .requiredOption('-n, --name <name>', 'its name; the time is added to its id')
    .option('-d, --description <text>', 'what it is for')
    .option('--full-backup', 'store every record in the backup bucket', false)
    .option('--full', 'same as --full-backup', false)
    .option('--verify', 'read the backup again, every byte of it', false)
    .option('--counts-only', 'flags, authority and counts, without reading the records', false)
    .option('--dry-run', 'say what would be read, and change nothing', false)
    .action((options: CheckpointOptions) => makeCheckpoint(options, context));
}

function addBackup(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'backup',
    description: 'same as checkpoint --full-backup --verify',
    examples: ['hal9-migrate state backup', 'hal9-migrate state backup --name nightly'],
  })
    .option('-n, --name <name>', 'its name; the time is added to its id', 'backup')
    .option('-d, --description <text>', 'what it is for')
    .option('--dry-run', 'say what would be read, and change nothing', false)
    .action((options: Pick<CheckpointOptions, 'name' | 'description' | 'dryRun'> & Options) =>
      makeCheckpoint({ ...options, fullBackup: true, full: true, verify: true, countsOnly: false }, context),
    );
}

/** Throws HalError `OptionsConflict` for what would be ignored beside it. */
function isFull({ fullBackup, full, verify, countsOnly }: CheckpointOptions): boolean {
  const isWanted = fullBackup || full;
  if (verify && !isWanted) throw needs('--verify', '--full-backup');
  if (countsOnly && isWanted) throw excludes('--counts-only', '--full-backup');
  return isWanted;
}

async function makeCheckpoint(options: CheckpointOptions, context: CliContext): Promise<void> {
  const full = isFull(options);
  const control = await openControlPlane(connect(options, context.env));
  if (options.dryRun) return await presentPlan(control, options, full);
  const request = requestOf(options);
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const checkpoint = options.countsOnly
    ? await createCheckpoint(control, request)
    : await createHashedCheckpoint(control, { ...request, full }, ({ entries, rows }) => {
        lines.update([recordsLine(entries, rows, performance.now() - startedAtMs)]);
      });
  lines.done();
  const verification =
    full && options.verify ? await watchVerification(control, checkpoint.checkpointId, options.json) : null;
  if (verification?.intact === false) context.setExitCode(exitCodes.gateFailed);
  if (options.json) printDocument('Checkpoint', { checkpoint, verification });
  else presentCheckpoint(checkpoint, verification);
}

function presentCheckpoint(checkpoint: Checkpoint, verification: BackupVerification | null): void {
  printData(checkpoint.checkpointId);
  if (checkpoint.sourceFault !== null) note(`The source could not be read: ${checkpoint.sourceFault}`);
  if (checkpoint.hashes !== undefined) note(hashTable(checkpoint));
  if (checkpoint.backup !== undefined) {
    note(`${count(checkpoint.backup.entries)} records in ${bytes(checkpoint.backup.bytes)} stored.`);
  }
  if (verification !== null) presentVerification(verification);
  nextStep('hal9-migrate state list-checkpoints');
}

function requestOf({ name, description }: CheckpointOptions): CheckpointRequest {
  const text = description === undefined ? {} : { description };
  return { name, ...text, kind: 'operator', createdBy: operatorName() };
}

async function presentPlan(
  { invoker }: Pick<CliControlPlane, 'invoker'>,
  options: CheckpointOptions,
  full: boolean,
): Promise<void> {
  const { tables } = (await invoker.invoke('prepare-source', { action: 'inspect' })) as {
    tables: readonly { category: string; rowCount: number }[];
  };
  const rows = tables.reduce((sum, { rowCount }) => sum + rowCount, 0);
  if (options.json) printDocument('CheckpointPlan', { name: options.name, full, rows, tables });
  else printData(`would read ${count(rows)} records${full ? ' and store them in the backup bucket' : ''}`);
}

function addList(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'list-checkpoints',
    description: 'checkpoints, newest first',
    examples: ['hal9-migrate state list-checkpoints', 'hal9-migrate state list-checkpoints --json'],
  }).action(async (options: Options) => {
    const control = await openControlPlane(connect(options, context.env));
    const checkpoints = await listCheckpoints(control);
    if (options.json) {
      printDocument('CheckpointList', { checkpoints });
      return;
    }
    if (checkpoints.length === 0) note('There are no checkpoints yet.');
    else printData(checkpointTable(checkpoints));
  });
}

type ChosenOptions = Options<{ checkpoint: string; output?: string }>;

function addVerifyCheckpoint(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'verify-checkpoint',
    description: 'read the backup of a checkpoint again and say whether any byte differs',
    examples: ['hal9-migrate state verify-checkpoint', 'hal9-migrate state verify-checkpoint -c pre-canary'],
  })
    .option('-c, --checkpoint <id>', 'id, name, or latest', 'latest')
    .action(async (options: ChosenOptions) => {
      const control = await openControlPlane(connect(options, context.env));
      const { checkpointId } = await findCheckpoint(control, options.checkpoint, 'backup');
      const verification = await watchVerification(control, checkpointId, options.json);
      if (!verification.intact) context.setExitCode(exitCodes.gateFailed);
      if (options.json) printDocument('CheckpointVerification', { verification });
      else presentVerification(verification);
    });
}

function addExportManifest(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'export-manifest',
    description: 'write the manifest of a checkpoint: hashes, versions, parts with their sha256',
    examples: ['hal9-migrate state export-manifest --checkpoint latest --output state.json'],
  })
    .option('-c, --checkpoint <id>', 'id, name, or latest', 'latest')
    .option('-o, --output <file>', 'file to write; standard output when absent')
    .action(async (options: ChosenOptions) => {
      const control = await openControlPlane(connect(options, context.env));
      const checkpoint = await findCheckpoint(control, options.checkpoint);
      const backup =
        checkpoint.backup === undefined ? null : await readBackupManifest(control, checkpoint.checkpointId);
      const manifest = { checkpoint, backup };
      if (options.output === undefined) {
        printDocument('CheckpointManifest', manifest);
        return;
      }
      writeDocument(options.output, manifest);
      if (options.json) printDocument('CheckpointManifest', { ...manifest, output: options.output });
      else printData(options.output);
    });
}

async function watchVerification(
  control: Pick<CliControlPlane, 'invoker'>,
  checkpointId: string,
  json: boolean,
): Promise<BackupVerification> {
  const lines = liveLines({ quiet: json });
  const startedAtMs = performance.now();
  const verification = await verifyCheckpoint(control, checkpointId, ({ entriesRead, entries }) => {
    lines.update([recordsLine(entriesRead, entries, performance.now() - startedAtMs)]);
  });
  lines.done();
  return verification;
}

function presentVerification(verification: BackupVerification): void {
  note(verificationLine(verification));
  for (const { part, reason, entries } of verification.faults.slice(0, 10)) {
    note(`  ${part}: ${reason}; ${count(entries)} records cannot be read`);
  }
  if (!verification.intact) {
    nextStep('hal9-migrate state restore, which restores what can be read and quarantines the rest');
  }
}
