import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { AuditReport } from '../../lib/migration/audit-chain/audit-report.ts';
import type { SealedStream } from '../../lib/migration/audit-chain/seal-audit.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { operatorName } from '../operator.ts';
import { needs } from '../options.ts';
import { auditVerdict, chainTable, sealLine, unprovenLines } from '../output/audit-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { sealAudit, verifyAudit } from '../state/audit-chain.ts';

export function addAuditVerb(state: Command, context: CliContext): void {
  addVerb(state, context, {
    name: 'audit',
    description:
      'check the chain of audit events: in order, without a gap, the same on both sides, as sealed',
    examples: [
      'hal9-migrate state audit',
      'hal9-migrate state audit --seal',
      'hal9-migrate state audit --json',
    ],
  })
    .option('--seal', 'seal what both sides agree about first, so that it can no longer change unseen', false)
    .option('--dry-run', 'with --seal: say what would be sealed, and seal nothing', false)
    .action(async (options: Options<{ seal: boolean; dryRun: boolean }>) => {
      if (options.dryRun && !options.seal) throw needs('--dry-run', '--seal');
      const invoker = await functionInvoker(connect(options, context.env));
      const requestedBy = `operator:${operatorName()}`;
      const sealed = options.seal ? await sealAudit(invoker, { requestedBy, dryRun: options.dryRun }) : [];
      const lines = liveLines({ quiet: options.json });
      const report = await verifyAudit(invoker, (scanned) => {
        lines.update([`walking  ${count(scanned)} events`]);
      });
      lines.done();
      if (report.outcome !== 'sound') context.setExitCode(exitCodes.gateFailed);
      if (options.json) printDocument('AuditChain', { ...report, seals: sealed });
      else present(report, sealed, options.dryRun);
    });
}

function present(report: AuditReport, sealed: readonly SealedStream[], isDryRun: boolean): void {
  for (const stream of sealed) note(sealLine(stream, isDryRun));
  printData(chainTable(report.streams));
  note(auditVerdict(report));
  for (const line of unprovenLines(report)) note(line);
  for (const { fault, side, stream, sequence, detail } of report.findings.slice(0, 10)) {
    note(`  ${fault}  ${stream} ${sequence} (${side}): ${detail}`);
  }
  if (report.outcome !== 'unproven' && report.streams.some(({ sealed: last }) => last === null))
    nextStep('hal9-migrate state audit --seal');
}
