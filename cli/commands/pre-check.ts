import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { objectsOf, type SourceConfig } from '../../lib/config/source-config.ts';
import { preCheck, type PreCheckDeps } from '../../lib/orchestrator/operations/pre-check.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { checkLines } from '../output/control-views.ts';
import { nextStep, printData, printDocument } from '../output/terminal.ts';
import { promise } from '../promised-option.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

export function addPreCheckVerb(program: Command, context: CliContext): void {
  const verb = addVerb(program, context, {
    name: 'pre-check',
    description: verbDescriptions['pre-check'],
    examples: ['hal9-migrate pre-check', 'hal9-migrate pre-check --json'],
  }).action(async (options: Options) => {
    const connection = connect(options, context.env);
    const report = await preCheck({
      ...(await openControlPlane(connection)),
      place: connection.kind,
      sourceKind: kindOf(connection.deploy.source),
    });
    if (!report.ready) context.setExitCode(exitCodes.gateFailed);
    if (options.json) {
      printDocument('PreCheck', { ...report });
      return;
    }
    for (const line of checkLines(report.checks)) printData(line);
    nextStep(
      report.ready ? 'hal9-migrate migrate --phase shadow' : 'mend what failed, then hal9-migrate pre-check',
    );
  });
  promise(verb, { '--deep': 'every check is made' });
}

/** A URL holds its credentials, which on AWS would stand in every template. */
function kindOf(source: SourceConfig): PreCheckDeps['sourceKind'] {
  if (source.kind === 'jsonl') return objectsOf(source) === null ? 'jsonl' : 's3';
  if (source.kind === 'dynamodb') return source.endpoint === undefined ? 'dynamodb' : 'dynamodb-endpoint';
  return source.kind === 'postgres' && source.url !== undefined ? 'postgres-url' : source.kind;
}
