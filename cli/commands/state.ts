import type { Command } from 'commander';

import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { stopLines } from '../output/limit-views.ts';
import { changeLogLines, modeLines } from '../output/mode-views.ts';
import { statusTable } from '../output/state-views.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { describeState } from '../state/describe-state.ts';
import { verbDescriptions } from '../verb-descriptions.ts';
import { addAuditVerb } from './state-audit.ts';
import { addCheckpointVerbs } from './state-checkpoints.ts';
import { addStateExport } from './state-export.ts';
import { addFix } from './state-fix.ts';
import { addMigrate } from './state-migrate.ts';
import { addPlanVerb } from './state-plan.ts';
import { addProgress } from './state-progress.ts';
import { addQuarantineVerbs } from './state-quarantine.ts';
import { addRestoreVerbs } from './state-restore.ts';
import { addStats } from './state-stats.ts';
import { addSweepBodies } from './state-sweep-bodies.ts';
import { addDiff, addVerify } from './state-verify.ts';
import { addStateValidate } from './validate.ts';

export function addStateVerbs(program: Command, context: CliContext): void {
  const state = program.command('state').description(verbDescriptions.state);
  addPlanVerb(state, context);
  addMigrate(state, context);
  addProgress(state, context);
  addVerify(state, context);
  addDiff(state, context);
  addFix(state, context);
  addStatus(state, context);
  addStats(state, context);
  addCheckpointVerbs(state, context);
  addStateExport(state, context);
  addRestoreVerbs(state, context);
  addQuarantineVerbs(state, context);
  addStateValidate(state, context);
  addAuditVerb(state, context);
  addSweepBodies(state, context);
}

function addStatus(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'status',
    description: 'authority, copy, lag and quarantine of every category',
    examples: ['hal9-migrate state status', 'hal9-migrate state status --json'],
  }).action(async (options: Options) => {
    const description = await describeState(await functionInvoker(connect(options, context.env)));
    if (options.json) {
      printDocument('StateStatus', { ...description });
      return;
    }
    printData(modeLines(description).join('\n'));
    for (const line of changeLogLines(description)) printData(line);
    const isLost = description.heldLog?.isLost === true;
    if (isLost) note('Nothing can be told of the categories until the source is prepared again.');
    else if (description.changeLogInstalled) printData(statusTable(description.categories));
    else note('Nothing has been copied yet: flat has authority over every category.');
    for (const line of stopLines(description.settings)) printData(line);
    const isReadable = description.changeLogInstalled && !isLost;
    nextStep(isReadable ? 'hal9-migrate state verify' : 'hal9-migrate state migrate');
  });
}
