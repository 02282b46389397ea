import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { LearningAnswer, LearningComparison } from '../../lib/migration/learning/compare-learning.ts';
import type { LearningKind } from '../../lib/migration/learning/recall.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { wholeNumber } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { count, duration } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { verbDescriptions } from '../verb-descriptions.ts';
import { addTransferVerbs } from './learning-transfer.ts';

export function addLearningVerbs(program: Command, context: CliContext): void {
  const learning = program.command('learning').description(verbDescriptions.learning);
  addTransferVerbs(learning, context);
  const test = addVerb(learning, context, {
    name: 'test',
    description: 'ask both systems what sampled patterns recognise, and how surely',
    examples: ['hal9-migrate learning test --patterns 100 --compare-systems'],
  })
    .option('--patterns <n>', 'patterns, spread over the store', '100')
    .action((options: Options<{ patterns: string }>) =>
      compare(options, context, 'pattern', wholeNumber('--patterns', options.patterns, 1, 10_000)),
    );
  promise(test, { '--compare-systems': 'both systems are asked' });
  addVerb(learning, context, {
    name: 'verify-gradients',
    description: 'follow sampled gradients upstream in both systems, step by step',
    examples: ['hal9-migrate learning verify-gradients --sample-size 1000'],
  })
    .option('--sample-size <n>', 'gradients, spread over the store', '1000')
    .action((options: Options<{ sampleSize: string }>) =>
      compare(options, context, 'gradient', wholeNumber('--sample-size', options.sampleSize, 1, 10_000)),
    );
}

async function compare(
  options: Options,
  context: CliContext,
  kind: LearningKind,
  samples: number,
): Promise<void> {
  const invoker = await functionInvoker(connect(options, context.env));
  const lines = liveLines({ quiet: options.json });
  const startedAtMs = performance.now();
  const result = await examine(invoker, { kind, samples }, ({ result: { compared }, share }) => {
    const elapsedMs = performance.now() - startedAtMs;
    const left = share > 0 ? `, about ${duration((elapsedMs / share) * (1 - share))} left` : '';
    const rate = count(compared / Math.max(0.001, elapsedMs / 1000));
    lines.update([`${count(compared)} of at most ${count(samples)} ${kind}s compared, ${rate}/s${left}`]);
  });
  lines.done();
  if (result.differing > 0) context.setExitCode(exitCodes.gateFailed);
  if (options.json) printDocument('LearningComparison', { comparison: kind, ...result });
  else present(result, kind);
}

async function examine(
  invoker: FunctionInvoker,
  request: { readonly kind: LearningKind; readonly samples: number },
  onProgress: (answer: LearningAnswer) => void,
): Promise<LearningComparison> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('examine-learning', { ...request, cursor })) as LearningAnswer;
    onProgress(answer);
    if (answer.done) return answer.result;
    ({ cursor } = answer);
  }
}

function present(
  { compared, differing, unreadable, differences }: LearningComparison,
  kind: LearningKind,
): void {
  const same = `${count(compared - differing)} of ${count(compared)} ${kind}s`;
  printData(`${same} give the same answer in both systems`);
  if (unreadable > 0) note(`${count(unreadable)} of them cannot be read in either.`);
  for (const { pk, flat, hierarchical } of differences.slice(0, 5)) {
    note(
      `  ${pk}\n    flat          ${JSON.stringify(flat)}\n    hierarchical  ${JSON.stringify(hierarchical)}`,
    );
  }
  if (differing > 0) nextStep('hal9-migrate state verify --category learning-data');
  else if (kind === 'pattern') nextStep('hal9-migrate learning verify-gradients --sample-size 1000');
  else nextStep('hal9-migrate state migrate --category configuration');
}
