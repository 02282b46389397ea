import type { Command } from 'commander';
import { randomUUID } from 'node:crypto';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import { parsePercent } from '../../lib/kernel/percent.ts';
import { parsePhase } from '../../lib/orchestrator/plan.ts';
import { requestRollback, type RollbackWish } from '../../lib/orchestrator/operations/request-rollback.ts';
import type { RollbackAnswer } from '../../lib/rollback/roll-back.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { excludes } from '../options.ts';
import { duration } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type RollbackOptions = Options<{
  toPhase?: string;
  fromPhase?: string;
  percentage?: string;
  targetPercentage?: string;
  target?: string;
  toPercentage?: string;
  reason?: string;
  complete: boolean;
  emergency: boolean;
  force: boolean;
}>;

export function addRollbackVerb(program: Command, context: CliContext): void {
  const verb = addVerb(program, context, {
    name: 'rollback',
    description: verbDescriptions.rollback,
    examples: [
      'hal9-migrate rollback',
      'hal9-migrate rollback --to-phase shadow',
      'hal9-migrate rollback --emergency --force',
    ],
  })
    .option('-t, --to-phase <name>', 'phase to go back to; the phase table says where when absent')
    .option('--from-phase <name>', 'refuse unless the migration stands in this phase')
    .option('--percentage <n>', 'share that the hierarchical system keeps; 0 when absent')
    .option('--target-percentage <n>', 'same as --percentage')
    .option('--to-percentage <n>', 'same as --percentage')
    .option('--target <n>', 'same as --percentage')
    .option('--reason <text>', 'recorded in the audit log')
    .option('--complete', 'everything back to flat, state included; copied data is kept', false)
    .option('--emergency', 'also set the kill switch, which only an operator releases', false)
    .option('--force', 'also move the authority over the state back, whatever the record says', false)
    .action(async (options: RollbackOptions) => {
      const wish = readWish(options);
      const connection = connect(options, context.env);
      if (options.fromPhase !== undefined)
        await requirePhase(parsePhase(options.fromPhase), options, context);
      const answer = (await requestRollback(
        { invoker: await functionInvoker(connection) },
        wish,
      )) as RollbackAnswer;
      if (answer.kind === 'rolled-back' && answer.record.failures.length > 0) {
        context.setExitCode(exitCodes.failed);
      }
      present(answer, options.json);
    });
  promise(verb, {
    '--preserve-data': 'what was copied is kept',
    '--immediate': 'traffic is taken back at once',
    '--yes': 'nothing is asked',
  });
}

/** Checks what was given before anything is asked of the cloud. */
function readWish(options: RollbackOptions): RollbackWish {
  const { percentage, targetPercentage, toPercentage, target } = options;
  const shares = [percentage, targetPercentage, toPercentage, target].filter((given) => given !== undefined);
  if (shares.length > 1) throw excludes('--percentage', 'the other names that it has');
  const [share] = shares;
  const { complete, emergency, force } = options;
  return {
    requestedBy: operatorName(),
    reason: options.reason ?? 'asked by an operator',
    requestId: randomUUID(),
    complete,
    emergency,
    force,
    ...(options.toPhase === undefined ? {} : { toPhase: parsePhase(options.toPhase) }),
    ...(share === undefined ? {} : { trafficThousandths: parsePercent(share) }),
  };
}

async function requirePhase(expected: string, options: RollbackOptions, context: CliContext): Promise<void> {
  const { openControlPlane } = await import('../control-plane.ts');
  const run = await (await openControlPlane(connect(options, context.env))).runs.current();
  const phase = run?.phase ?? 'none';
  if (phase === expected) return;
  throw new HalError({
    name: 'OtherPhase',
    message: `The migration stands in ${phase}, not in ${expected}.`,
    remedy: `Leave --from-phase out, or say --from-phase ${phase}.`,
    exit: 'conflict',
    facts: { phase, expected },
  });
}

function present(answer: RollbackAnswer, json: boolean): void {
  if (json) {
    printDocument('RollbackResult', { answer });
    return;
  }
  if (answer.kind === 'nothing-to-do') {
    note(`Nothing to roll back: ${answer.why}.`);
    return;
  }
  const { record } = answer;
  const traffic =
    record.trafficWrittenAtMs === null
      ? 'not written'
      : duration(record.trafficWrittenAtMs - record.startedAtMs);
  printData(`${answer.kind}: ${record.fromPhase} → ${record.toPhase}; traffic taken back in ${traffic}`);
  if (record.authorityMovedAtMs !== null) printData('authority over the state is back on flat');
  for (const failure of record.failures) note(`  not done yet: ${failure}`);
  nextStep('hal9-migrate traffic --show-split');
}
