import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { VerifyLayersAnswer } from '../../lib/migration/neurons/verify-layers.ts';
import { isPublished } from '../../lib/migration/neurons/layer-manifest.ts';
import { layers, type Layer } from '../../lib/migration/transforms/assign-layer.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption, oneOf } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { findingLines, layerTable, rateLine } from '../output/neuron-views.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { examineNeurons } from '../state/neurons.ts';

type VerifyOptions = Options<{ layer?: readonly string[]; dryRun: boolean }>;

export function addVerifyLayers(neurons: Command, context: CliContext): void {
  addVerb(neurons, context, {
    name: 'verify',
    description:
      'compare the neurons and edges of layers in both systems, and publish the layers that are sound',
    examples: [
      'hal9-migrate neurons verify --layer substrate',
      'hal9-migrate neurons verify --dry-run --json',
    ],
  })
    .option('--layer <names...>', `of ${layers.join(', ')}; all when absent`, listOption)
    .option('--dry-run', 'compare, and publish nothing', false)
    .action((options: VerifyOptions) => verify(options, context));
}

async function verify(options: VerifyOptions, context: CliContext): Promise<void> {
  const named = (options.layer ?? []).map((name) => oneOf('--layer', name, layers));
  const wanted = named.length === 0 ? layers : layers.filter((layer) => named.includes(layer));
  const invoker = await functionInvoker(connect(options, context.env));
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const answer = await examineNeurons<VerifyLayersAnswer>(
    invoker,
    { action: 'verify', layers: wanted, publish: !options.dryRun },
    ({ survey: { looked, total } }) => {
      const [seen, all] = [looked.neurons + looked.edges, total.neurons + total.edges];
      lines.update([rateLine('neurons and edges', seen, all, performance.now() - startedAtMs)]);
    },
  );
  lines.done();
  if (answer.faulty.length > 0) context.setExitCode(exitCodes.gateFailed);
  const { survey, faulty, published } = answer;
  if (options.json) printDocument('LayerVerification', { layers: wanted, faulty, published, survey });
  else present(answer, wanted);
}

function present(
  { survey, faulty, published }: Extract<VerifyLayersAnswer, { done: true }>,
  wanted: readonly Layer[],
): void {
  printData(layerTable(survey, wanted, published));
  if (survey.quarantinedNeurons > 0) {
    note(`${count(survey.quarantinedNeurons)} neurons are in quarantine and belong to no layer.`);
  }
  if (faulty.length > 0) {
    for (const line of findingLines(survey, 10)) note(line);
    note(`Not sound: ${faulty.join(', ')}.`);
    nextStep('hal9-migrate state verify --category neuron-states');
    return;
  }
  const above = layers.find((layer) => !isPublished(published, layer));
  nextStep(
    above === undefined
      ? 'hal9-migrate neurons validate-connections --deep'
      : `hal9-migrate neurons verify --layer ${above}`,
  );
}
