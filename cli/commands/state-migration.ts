import type { Command } from 'commander';

import { HalError } from '../../lib/kernel/errors.ts';
import type { CopyStop } from '../../lib/migration/settings.ts';
import { resumeCopy, stopCopy, type StopRequest } from '../../lib/orchestrator/operations/stop-copy.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { operatorName } from '../operator.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { describeState } from '../state/describe-state.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type StateMigrationOptions = Options<{
  stop: boolean;
  pause: boolean;
  resume: boolean;
  status: boolean;
  reason?: string;
  dryRun: boolean;
}>;

type Wish = 'stop' | 'resume' | 'status';

/** Stopping is what one does in an emergency, so that it never asks. */
export function addStateMigrationVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'state-migration',
    description: verbDescriptions['state-migration'],
    examples: [
      'hal9-migrate state-migration --stop --reason "flat is slow"',
      'hal9-migrate state-migration --resume',
    ],
  })
    .option('--stop', 'workers end their page and take no further range; checkpoints stay', false)
    .option('--pause', 'same as --stop', false)
    .option('--resume', 'go on behind the checkpoints', false)
    .option('--status', 'say whether it is stopped, by whom and why', false)
    .option('--reason <text>', 'kept with the stop and in the audit log', 'asked for')
    .option('--dry-run', 'say what would change, and change nothing', false)
    .action(async (options: StateMigrationOptions) => {
      const wish = wishOf(options);
      const control = await openControlPlane(connect(options, context.env));
      const before = (await describeState(control.invoker)).settings.copy;
      const request = { by: operatorName(), reason: options.reason ?? '' };
      const after = options.dryRun ? before : await fulfil(control, wish, before, request);
      if (options.json) {
        const change = { wish, dryRun: options.dryRun, changed: after.stopped !== before.stopped };
        printDocument('CopyStop', { ...change, copy: after });
      } else present(wish, options.dryRun, before, after);
    });
}

async function fulfil(
  control: CliControlPlane,
  wish: Wish,
  before: CopyStop,
  request: StopRequest,
): Promise<CopyStop> {
  const deps = { ...control, clock: { nowMs: () => Date.now() } };
  if (wish === 'stop') return await stopCopy(deps, before, request);
  return wish === 'resume' ? await resumeCopy(deps, before, request) : before;
}

function present(wish: Wish, dryRun: boolean, before: CopyStop, after: CopyStop): void {
  const isStopped = wish === 'status' ? after.stopped : wish === 'stop';
  const would = dryRun && wish !== 'status' && isStopped !== before.stopped ? 'would be ' : '';
  if (isStopped) {
    printData(`the copy ${would === '' ? 'is ' : would}stopped`);
    if (after.stopped) note(`By ${after.by} since ${new Date(after.sinceMs).toISOString()}: ${after.reason}`);
    if (would === '') note('What was copied stays, and changes of the flat side are carried on.');
    nextStep('hal9-migrate state-migration --resume');
  } else {
    printData(`the copy ${would === '' ? 'may run' : 'would go on'}`);
    nextStep('hal9-migrate state progress --watch');
  }
}

/** Throws HalError `StopUnclear`. */
function wishOf({ stop, pause, resume, status }: StateMigrationOptions): Wish {
  const wishes: readonly (readonly [Wish, boolean])[] = [
    ['stop', stop || pause],
    ['resume', resume],
    ['status', status],
  ];
  const [chosen, ...others] = wishes.filter(([, given]) => given);
  if (chosen !== undefined && others.length === 0) return chosen[0];
  throw new HalError({
    name: 'StopUnclear',
    message: 'state-migration needs exactly one of --stop, --resume and --status.',
    remedy: 'Name one of them; --pause is another word for --stop.',
    exit: 'usage',
  });
}
