import type { Command } from 'commander';

import type { SweepReport } from '../../lib/migration/bodies/sweep-position.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { bytes } from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { note, printData, printDocument } from '../output/terminal.ts';
import { sweepBodies } from '../state/sweep-bodies.ts';

export function addSweepBodies(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'sweep-bodies',
    description: 'delete bodies of large records that no record names any more; harmless to repeat',
    examples: ['hal9-migrate state sweep-bodies --dry-run', 'hal9-migrate state sweep-bodies'],
  })
    .option('--dry-run', 'say what would be deleted, and change nothing', false)
    .option('--yes', 'ask nothing', false)
    .action(async (options: Options<{ dryRun: boolean; yes: boolean }>) => {
      const { dryRun } = options;
      const connection = connect(options, context.env);
      if (!dryRun) await confirm(connection, options, 'delete bodies that no record names');
      const lines = liveLines({ quiet: options.json });
      const request = { requestedBy: `operator:${operatorName()}`, dryRun };
      const report = await sweepBodies(await functionInvoker(connection), request, (so) => {
        lines.update([`sweeping  ${count(so.old.objects)} bodies  ${count(so.items)} items`]);
      });
      lines.done();
      if (options.json) printDocument('BodySweep', { dryRun, ...report });
      else present(report, dryRun);
    });
}

function present(
  { old, throughDay, naming, marked, waiting, deleted, foreign }: SweepReport,
  dryRun: boolean,
): void {
  line(old.objects, `bodies of ${throughDay} and before, ${bytes(old.bytes)}`);
  if (!dryRun) line(naming, 'records name one of them');
  if (!dryRun) line(marked, 'are named by nobody, as is known from now on');
  line(waiting, 'marked, but not for long enough yet');
  line(deleted.objects, `${dryRun ? 'would be deleted' : 'deleted'}, ${bytes(deleted.bytes)}`);
  if (foreign > 0) note(`${count(foreign)} objects among them are no bodies by their name, and stay.`);
  if (marked + waiting > 0)
    note('What is marked is deleted by a sweep two days after it was marked, or later.');
}

function line(value: number, text: string): void {
  printData(`${count(value).padStart(8)}  ${text}`);
}
