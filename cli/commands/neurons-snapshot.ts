import type { Command } from 'commander';

import { createHashedCheckpoint } from '../../lib/orchestrator/operations/backup-checkpoint.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { operatorName } from '../operator.ts';
import { bytes, hashTable, recordsLine } from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';

const categories = ['neuron-states'];

type SnapshotOptions = Options<{ preMigration: boolean; name?: string; dryRun: boolean }>;

/** A checkpoint of the neurons alone. */
export function addSnapshot(neurons: Command, context: CliContext): void {
  addVerb(neurons, context, {
    name: 'snapshot',
    description: 'store every neuron, connection and signal in the backup bucket, as a checkpoint',
    examples: ['hal9-migrate neurons snapshot --pre-migration'],
  })
    .option('--pre-migration', 'name it pre-migration-neurons', false)
    .option('-n, --name <name>', 'its name; the time is added to its id')
    .option('--dry-run', 'say what would be stored, and change nothing', false)
    .action((options: SnapshotOptions) => snapshot(options, context));
}

async function snapshot(options: SnapshotOptions, context: CliContext): Promise<void> {
  const control = await openControlPlane(connect(options, context.env));
  const name = options.name ?? (options.preMigration ? 'pre-migration-neurons' : 'neurons');
  if (options.dryRun) {
    const { tables } = (await control.invoker.invoke('prepare-source', { action: 'inspect' })) as {
      tables: readonly { recordType: string; category: string; rowCount: number }[];
    };
    const chosen = tables.filter(({ category }) => categories.includes(category));
    if (options.json) printDocument('NeuronSnapshotPlan', { name, tables: chosen });
    else
      for (const { recordType, rowCount } of chosen)
        printData(`would store ${count(rowCount)} rows of ${recordType}`);
    return;
  }
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const checkpoint = await createHashedCheckpoint(
    control,
    { name, kind: 'operator', createdBy: operatorName(), full: true, categories },
    ({ entries, rows }) => lines.update([recordsLine(entries, rows, performance.now() - startedAtMs)]),
  );
  lines.done();
  if (options.json) {
    printDocument('NeuronSnapshot', { checkpoint });
    return;
  }
  printData(checkpoint.checkpointId);
  note(hashTable(checkpoint));
  if (checkpoint.backup !== undefined) {
    note(`${count(checkpoint.backup.entries)} records in ${bytes(checkpoint.backup.bytes)} stored.`);
  }
  nextStep('hal9-migrate neurons group --by layer');
}
