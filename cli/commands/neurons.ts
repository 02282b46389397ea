import type { Command } from 'commander';

import { groupings, type GroupAnswer } from '../../lib/migration/neurons/group-neurons.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { oneOf } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { groupTable, rateLine } from '../output/neuron-views.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { writeDocument } from '../output/write-output.ts';
import { examineNeurons } from '../state/neurons.ts';
import { verbDescriptions } from '../verb-descriptions.ts';
import { addConnectionVerbs } from './neurons-connections.ts';
import { addSnapshot } from './neurons-snapshot.ts';
import { addVerifyLayers } from './neurons-verify.ts';

export function addNeuronsVerbs(program: Command, context: CliContext): void {
  const neurons = program.command('neurons').description(verbDescriptions.neurons);
  addSnapshot(neurons, context);
  addGroup(neurons, context);
  addVerifyLayers(neurons, context);
  addConnectionVerbs(neurons, context);
}

function addGroup(neurons: Command, context: CliContext): void {
  addVerb(neurons, context, {
    name: 'group',
    description: 'count the neurons of the flat store by what the migration assigns to them',
    examples: [
      'hal9-migrate neurons group --by layer --output neuron-groups.json',
      'hal9-migrate neurons group --by level --json',
    ],
  })
    .option('--by <what>', `one of ${groupings.join(', ')}`, 'layer')
    .option('-o, --output <file>', 'write the groups as JSON, with examples of each')
    .action(async (options: Options<{ by: string; output?: string }>) => {
      const by = oneOf('--by', options.by, groupings);
      const invoker = await functionInvoker(connect(options, context.env));
      const lines = liveLines({ quiet: options.json });
      const startedAtMs = performance.now();
      const { result } = await examineNeurons<GroupAnswer>(invoker, { action: 'group', by }, (answer) => {
        const { looked, total } = answer.result;
        lines.update([rateLine('neurons', looked, total, performance.now() - startedAtMs)]);
      });
      lines.done();
      const content = { by, ...result };
      if (options.output !== undefined) {
        writeDocument(options.output, content);
      }
      if (options.json) {
        printDocument('NeuronGroups', content);
        return;
      }
      printData(groupTable(result));
      for (const [warning, having] of Object.entries(result.warnings)) {
        note(`${count(having)} neurons: ${warning.replaceAll('_', ' ')}`);
      }
      nextStep('hal9-migrate state migrate --category neuron-states');
    });
}
