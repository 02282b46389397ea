import type { Command } from 'commander';

import { createCheckpoint, listCheckpoints } from '../../lib/orchestrator/operations/checkpoints.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { operatorName } from '../operator.ts';
import { renderTable } from '../output/table.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';

type CheckpointOptions = Options<{ name: string; description?: string }>;

export function addCheckpointVerbs(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'checkpoint',
    description: 'write down where everything stands: flags, authority, counts',
    examples: ['hal9-migrate state checkpoint -n pre-canary -d "Before canary deployment"'],
  })
    .requiredOption('-n, --name <name>', 'its name; the time is added to its id')
    .option('-d, --description <text>', 'what it is for')
    .action(async (options: CheckpointOptions) => {
      const control = await openControlPlane(connect(options, context.env));
      const checkpoint = await createCheckpoint(control, {
        name: options.name,
        ...(options.description === undefined ? {} : { description: options.description }),
        kind: 'operator',
        createdBy: operatorName(),
      });
      if (options.json) {
        printDocument('Checkpoint', { checkpoint });
        return;
      }
      printData(checkpoint.checkpointId);
      if (checkpoint.sourceFault !== null) note(`The source could not be read: ${checkpoint.sourceFault}`);
      nextStep('hal9-migrate state list-checkpoints');
    });
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
    if (checkpoints.length === 0) {
      note('There are no checkpoints yet.');
      return;
    }
    printData(
      renderTable(checkpoints, [
        { title: 'ID', value: ({ checkpointId }) => checkpointId },
        { title: 'PHASE', value: ({ phase }) => phase },
        { title: 'KIND', value: ({ kind }) => kind },
        { title: 'BY', value: ({ createdBy }) => createdBy.replace(/^run .*/, 'run') },
      ]),
    );
  });
}
