import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { listOption } from '../options.ts';
import { checkLines } from '../output/control-views.ts';
import { nextStep, printData, printDocument } from '../output/terminal.ts';
import { chosenTests, runTests, verificationTests } from '../verification-tests.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type VerifyOptions = Options<{ full: boolean; tests?: readonly string[] }>;

export function addVerifyVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'verify',
    description: verbDescriptions.verify,
    examples: ['hal9-migrate verify', 'hal9-migrate verify --tests data-integrity state-consistency'],
  })
    .option('--full', 'every test (the default)', false)
    .option('--tests <names...>', `some of: ${Object.keys(verificationTests).join(', ')}`, listOption)
    .action(async (options: VerifyOptions) => {
      const tests = chosenTests(options.tests ?? []);
      const checks = await runTests(connect(options, context.env), tests);
      const passed = checks.every(({ result }) => result !== 'fail');
      if (!passed) context.setExitCode(exitCodes.gateFailed);
      if (options.json) {
        printDocument('Verification', { passed, checks });
        return;
      }
      for (const line of checkLines(checks)) printData(line);
      nextStep(passed ? 'hal9-migrate status' : 'hal9-migrate status --detailed');
    });
}
