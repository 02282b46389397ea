import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import { exportSystems, type ExportSystem } from '../../lib/migration/editions/export-records.ts';
import { mostTestChanges, testKey } from '../../lib/migration/editions/reload-test.ts';
import { recordPk } from '../../lib/migration/key.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { oneOf, wholeNumber } from '../options.ts';
import { comparisonVerdict, differenceLines, reloadLines } from '../output/edition-views.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { writeOutput } from '../output/write-output.ts';
import { promise } from '../promised-option.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { compareSystems, exportRecords, exportText, publishEdition } from '../state/editions.ts';
import { testReload } from '../state/reload-test.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type ConfigOptions<More extends object = object> = Options<{ readonly category: string } & More>;

export function addConfigVerbs(program: Command, context: CliContext): void {
  const config = program.command('config').description(verbDescriptions.config);
  addPublish(config, context);
  addExport(config, context);
  addCompare(config, context);
  addTestReload(config, context);
}

function addConfigVerb(config: Command, context: CliContext, verb: Parameters<typeof addVerb>[2]): Command {
  return addVerb(config, context, verb).option('--category <name>', 'a small category', 'configuration');
}

async function chosenCategory(given: string): Promise<Category> {
  const [category = given] = parseCategories([given], await chosenDefinition());
  return category;
}

function addPublish(config: Command, context: CliContext): void {
  addConfigVerb(config, context, {
    name: 'publish',
    description: 'make the migrated configuration visible to its readers, all of it at once',
    examples: ['hal9-migrate config publish', 'hal9-migrate config publish --dry-run'],
  })
    .option('--dry-run', 'say what would be published, and change nothing', false)
    .action(async (options: ConfigOptions<{ dryRun: boolean }>) => {
      const category = await chosenCategory(options.category);
      const invoker = await functionInvoker(connect(options, context.env));
      const by = `operator:${operatorName()}`;
      const answer = await publishEdition(invoker, { category, by, dryRun: options.dryRun });
      const { kind, edition } = answer;
      if (options.json) {
        printDocument('EditionPublication', { result: kind, edition });
        return;
      }
      const what = `edition ${edition.number} of ${category}: ${count(edition.count)} records`;
      const said = {
        published: 'Published',
        unchanged: 'Nothing changed since',
        'would-publish': 'Would publish',
      };
      note(`${said[kind]} ${what}, digest ${edition.digest.slice(0, 16)}.`);
      nextStep('hal9-migrate config compare --system1 flat --system2 edition');
    });
}

function addExport(config: Command, context: CliContext): void {
  const verb = addConfigVerb(config, context, {
    name: 'export',
    description: 'every record of the configuration, as JSON',
    examples: ['hal9-migrate config export --all --output config-backup.json'],
  })
    .option('--system <name>', `${exportSystems.join(', ')}; an edition is what readers see`, 'flat')
    .option('--output <file>', 'write to a file; on stdout when absent')
    .action(async (options: ConfigOptions<{ system: string; output?: string }>) => {
      const system = oneOf('--system', options.system, exportSystems);
      const category = await chosenCategory(options.category);
      const invoker = await functionInvoker(connect(options, context.env));
      const records = await exportRecords(invoker, { category, system });
      const text = exportText({ category, system }, records);
      if (options.output === undefined) {
        printData(text.trimEnd());
        return;
      }
      writeOutput(options.output, text);
      const { output } = options;
      if (options.json)
        printDocument('ConfigurationExported', { category, system, output, records: records.length });
      else note(`${count(records.length)} records of ${category} written to ${output}.`);
    });
  promise(verb, { '--all': 'every record is exported' });
}

interface CompareOptions {
  readonly system1: string;
  readonly system2: string;
  readonly report?: string;
}

function addCompare(config: Command, context: CliContext): void {
  addConfigVerb(config, context, {
    name: 'compare',
    description: 'what differs between two systems, record by record and member by member',
    examples: [
      'hal9-migrate config compare --report config-diff.txt',
      'hal9-migrate config compare --system1 flat --system2 edition',
    ],
  })
    .option('--system1 <name>', exportSystems.join(', '), 'flat')
    .option('--system2 <name>', exportSystems.join(', '), 'hierarchical')
    .option('--report <file>', 'write every difference to a file')
    .action(async (options: ConfigOptions<CompareOptions>) => {
      const left: ExportSystem = oneOf('--system1', options.system1, exportSystems);
      const right: ExportSystem = oneOf('--system2', options.system2, exportSystems);
      const category = await chosenCategory(options.category);
      const invoker = await functionInvoker(connect(options, context.env));
      const comparison = await compareSystems(invoker, category, { left, right });
      context.setExitCode(comparison.outcome === 'equal' ? exitCodes.ok : exitCodes.gateFailed);
      const lines = differenceLines(comparison.differences, { left, right });
      const verdict = comparisonVerdict(comparison, { left, right });
      if (options.report !== undefined) writeOutput(options.report, `${[verdict, ...lines].join('\n')}\n`);
      if (options.json) {
        printDocument('ConfigurationComparison', { category, systems: [left, right], ...comparison });
        return;
      }
      for (const line of lines.slice(0, 50)) printData(line);
      note(verdict);
      if (options.report !== undefined) note(`Report written to ${options.report}.`);
    });
}

interface TestReloadOptions {
  readonly changes: string;
  readonly verifyApplication: boolean;
  readonly dryRun: boolean;
}

function addTestReload(config: Command, context: CliContext): void {
  addConfigVerb(config, context, {
    name: 'test-reload',
    description:
      'make, change and remove settings that nobody reads, and see that readers reload them as a whole',
    examples: ['hal9-migrate config test-reload --changes 10 --verify-application'],
  })
    .option('--changes <n>', `settings that change at once, at most ${mostTestChanges}`, '10')
    .option('--verify-application', 'ask the running hierarchical system which edition it has loaded', false)
    .option('--dry-run', 'name the settings, and change nothing', false)
    .action(async (options: ConfigOptions<TestReloadOptions>) => {
      const changes = wholeNumber('--changes', options.changes, 1, mostTestChanges);
      const category = await chosenCategory(options.category);
      if (options.dryRun) {
        presentKeys(changes, options.json);
        return;
      }
      const connection = connect(options, context.env);
      const systemUrl = options.verifyApplication
        ? (await openControlPlane(connection)).origins.hierarchical
        : null;
      const by = `operator:${operatorName()}`;
      const invoker = await functionInvoker(connection);
      const test = await testReload(invoker, { category, changes, by, systemUrl });
      if (!test.passed) context.setExitCode(exitCodes.gateFailed);
      if (options.json) {
        printDocument('ReloadTest', { ...test });
        return;
      }
      for (const line of reloadLines(test)) printData(line);
      note(
        test.passed
          ? 'Every look saw all of the changes or none of them.'
          : 'A look saw a part of the changes.',
      );
    });
}

function presentKeys(changes: number, json: boolean): void {
  const keys = Array.from({ length: changes }, (_, at) => recordPk(testKey(at)));
  if (json) printDocument('ReloadTestPlan', { keys });
  else for (const key of keys) printData(`would make, change and remove ${key}`);
}
