import type { Command } from 'commander';

import { HalError } from '../../lib/kernel/errors.ts';
import { everybodyThousandths, parsePercent } from '../../lib/kernel/percent.ts';
import type { FlagsDocument } from '../../lib/flags/document.ts';
import { combineEdits, releaseKillSwitch, setFeature, type FlagsEdit } from '../../lib/flags/edit.ts';
import { features, findFeature, type Feature } from '../../lib/flags/feature-registry.ts';
import type { FlagWriteOutcome } from '../../lib/flags/ports.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { operatorName } from '../operator.ts';
import { percentOfThousandths } from '../output/quantities.ts';
import { renderTable } from '../output/table.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

interface FeatureState {
  readonly name: string;
  readonly group: Feature['group'];
  readonly enabled: boolean;
  readonly percentage: number;
  readonly summary: string;
}

type ChangeOptions = Options<{ percentage?: string; reason?: string; dryRun: boolean; yes: boolean }>;

export function addFeatureVerbs(program: Command, context: CliContext): void {
  const feature = program.command('feature').description(verbDescriptions.feature);
  addVerb(feature, context, {
    name: 'list',
    description: 'every flag and its state',
    examples: ['hal9-migrate feature list', 'hal9-migrate feature list --json'],
  }).action(async (options: Options) => {
    const { document } = await (await openControlPlane(connect(options, context.env))).flags.readFlags();
    const states = features.map((known) => stateOf(known, document));
    if (options.json) printDocument('FeatureList', { features: states });
    else printData(featureTable(states));
  });
  addVerb(feature, context, {
    name: 'status',
    description: 'one flag',
    examples: ['hal9-migrate feature status shadow_mode'],
  })
    .argument('<name>')
    .action(async (name: string, options: Options) => {
      const known = findFeature(name);
      const { document } = await (await openControlPlane(connect(options, context.env))).flags.readFlags();
      const state = stateOf(known, document);
      if (options.json) printDocument('Feature', { ...state });
      else printData(featureTable([state]));
    });
  addChange(feature, context, true);
  addChange(feature, context, false);
}

function addChange(feature: Command, context: CliContext, enabled: boolean): void {
  const command = addVerb(feature, context, {
    name: enabled ? 'enable' : 'disable',
    description: enabled ? 'turn a flag on, for everybody or for a share' : 'turn a flag off',
    examples: enabled
      ? ['hal9-migrate feature enable hierarchical_neurons --percentage 10']
      : ['hal9-migrate feature disable shadow_mode --reason "too much load"'],
  })
    .argument('<name>')
    .option('--reason <text>', 'recorded with the change')
    .option('--dry-run', 'say what would change, and change nothing', false)
    .option('--yes', 'ask nothing', false);
  if (enabled) command.option('--percentage <n>', 'share, 0 to 100');
  command.action(async (name: string, options: ChangeOptions) => {
    const known = findFeature(name);
    const thousandths = options.percentage === undefined ? undefined : parsePercent(options.percentage);
    const connection = connect(options, context.env);
    const control = await openControlPlane(connection);
    const stamp = {
      updatedBy: operatorName(),
      atMs: Date.now(),
      reason: options.reason ?? `feature ${enabled ? 'enable' : 'disable'} ${known.name}`,
    };
    const change = setFeature(
      known.name,
      { enabled, ...(thousandths === undefined ? {} : { thousandths }) },
      stamp,
    );
    const releases = enabled && known.controls === 'routing';
    const edit: FlagsEdit = releases ? combineEdits(releaseKillSwitch(stamp), change) : change;
    if (options.dryRun) {
      const { document } = await control.flags.readFlags();
      presentChange(stateOf(known, document), stateOf(known, edit(document)), options.json);
      return;
    }
    await confirm(connection, options, `change the flag ${known.name}`);
    const outcome = await control.flags.writeFlags({ edit });
    const after = deployedDocument(outcome);
    await control.audit.append({
      atMs: Date.now(),
      principal: `operator:${operatorName()}`,
      action: enabled ? 'enable-feature' : 'disable-feature',
      facts: { feature: known.name, ...(thousandths === undefined ? {} : { thousandths }) },
    });
    const state = stateOf(known, after);
    if (options.json) {
      printDocument('Feature', { outcome: outcome.kind, ...state });
      return;
    }
    note(`${known.name} is ${state.enabled ? `on for ${state.percentage} %` : 'off'}.`);
    nextStep('hal9-migrate feature list');
  });
}

function deployedDocument(outcome: FlagWriteOutcome): FlagsDocument {
  if (outcome.kind === 'deployed' || outcome.kind === 'unchanged') return outcome.flags.document;
  throw new HalError({
    name: 'FlagsNotDeployed',
    message: `The flags did not come into force: ${outcome.kind}.`,
    remedy: 'See `hal9-migrate status`; another change or a rollback may be under way. Then repeat it.',
    exit: 'conflict',
    facts: { ...outcome },
  });
}

function presentChange(before: FeatureState, after: FeatureState, json: boolean): void {
  if (json) printDocument('FeaturePlan', { before, after });
  else printData(`would change ${before.name}: ${shown(before)} → ${shown(after)}`);
}

function shown(state: FeatureState): string {
  return state.enabled ? `on ${state.percentage} %` : 'off';
}

function stateOf(known: Feature, document: FlagsDocument): FeatureState {
  const { enabled, thousandths } = valueOf(known, document);
  return {
    name: known.name,
    group: known.group,
    enabled,
    percentage: thousandths / 1000,
    summary: known.summary,
  };
}

function valueOf(known: Feature, document: FlagsDocument): { enabled: boolean; thousandths: number } {
  if (known.controls === 'routing') {
    const enabled = document.hierarchicalEnabled && !document.killSwitch;
    return { enabled, thousandths: document.trafficThousandths };
  }
  if (known.controls === 'shadow') {
    return { enabled: document.shadow.enabled, thousandths: document.shadow.sampleThousandths };
  }
  return document.features[known.name] ?? { enabled: false, thousandths: everybodyThousandths };
}

function featureTable(states: readonly FeatureState[]): string {
  return renderTable(states, [
    { title: 'FLAG', value: ({ name }) => name },
    { title: 'GROUP', value: ({ group }) => group },
    { title: 'STATE', value: ({ enabled }) => (enabled ? 'on' : 'off') },
    {
      title: 'SHARE',
      align: 'right',
      value: ({ enabled, percentage }) => (enabled ? percentOfThousandths(percentage * 1000) : ''),
    },
  ]);
}
