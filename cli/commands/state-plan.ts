import type { Command } from 'commander';

import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption } from '../options.ts';
import { forecastLines } from '../output/limit-views.ts';
import { nextStep, printData, printDocument } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { forecastState } from '../state/limits.ts';

export function addPlanVerb(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'plan',
    description:
      'how long the copy will take and what it will cost, under the present limits; changes nothing',
    examples: ['hal9-migrate state plan', 'hal9-migrate state plan --category neuron-states --json'],
  })
    .option('--category <names...>', 'category, or several by commas; all when absent', listOption)
    .action(async (options: Options<{ category?: readonly string[] }>) => {
      const definition = await chosenDefinition();
      const categories = parseCategories(options.category ?? [], definition);
      const connection = connect(options, context.env);
      const forecast = await forecastState(await functionInvoker(connection), {
        region: connection.region,
        workers: connection.deploy.workers.migrateConcurrency,
        recordTypes: definition.tables
          .filter(({ category }) => categories.includes(category))
          .map(({ recordType }) => recordType),
      });
      if (options.json) printDocument('StateForecast', { ...forecast });
      else printData(forecastLines(forecast).join('\n'));
      nextStep('hal9-migrate state migrate');
    });
}
