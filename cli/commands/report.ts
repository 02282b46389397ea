import { extname } from 'node:path';

import type { Command } from 'commander';

import { reportStatePhase, type StatePhaseReport } from '../../lib/orchestrator/operations/report-phase.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane } from '../control-plane.ts';
import { badValue, oneOf } from '../options.ts';
import { pdfOf } from '../output/pdf.ts';
import { reportLines } from '../output/report-views.ts';
import { nextStep, printData, printDocument } from '../output/terminal.ts';
import { writeDocument, writeOutput } from '../output/write-output.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type ReportOptions = Options<{ phase: string; detailed: boolean; output?: string }>;

const formats = ['.pdf', '.json', '.txt'] as const;

export function addReportVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'report',
    description: verbDescriptions.report,
    examples: [
      'hal9-migrate report --phase state-migration',
      'hal9-migrate report --phase state-migration --detailed --output report.pdf',
    ],
  })
    .option('--phase <name>', 'the phase that is told of', 'state-migration')
    .option('--detailed', 'also every entry of the audit log, and the hashes of the checkpoints', false)
    .option('-o, --output <file>', 'file to write: .pdf, .txt or .json; standard output when absent')
    .action((options: ReportOptions) => report(options, context));
}

async function report(options: ReportOptions, context: CliContext): Promise<void> {
  oneOf('--phase', options.phase, ['state-migration']);
  if (options.output !== undefined) requireFormat(options.output);
  const control = await openControlPlane(connect(options, context.env));
  const made = await reportStatePhase({ ...control, clock: { nowMs: () => Date.now() } });
  if (options.output !== undefined) writeReport(options.output, made, options.detailed);
  if (options.json) {
    printDocument('PhaseReport', { ...made, output: options.output ?? null });
    return;
  }
  printData(options.output ?? reportLines(made, options).join('\n'));
  const isLeft = made.outcome === 'switched';
  nextStep(isLeft ? 'hal9-migrate phase complete state-migration' : 'hal9-migrate status');
}

/** Before anything is read. */
function requireFormat(output: string): void {
  const isKnown = formats.some((format) => format === extname(output).toLowerCase());
  if (!isKnown) throw badValue('--output', output, `a file that ends in ${formats.join(', ')}`);
}

function writeReport(output: string, made: StatePhaseReport, detailed: boolean): void {
  const format = extname(output).toLowerCase();
  if (format === '.json') return writeDocument(output, made);
  const lines = reportLines(made, { detailed });
  writeOutput(output, format === '.pdf' ? pdfOf(lines) : `${lines.join('\n')}\n`);
}
