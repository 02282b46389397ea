import type { Command } from 'commander';

import { readStatus, type MigrationStatus } from '../../lib/orchestrator/operations/read-status.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { openControlPlane, type CliControlPlane } from '../control-plane.ts';
import { needs, positiveNumber } from '../options.ts';
import { attemptTable, gateLines, statusLines } from '../output/control-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { apiVersion, nextStep, printData, printDocument } from '../output/terminal.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type StatusOptions = Options<{ detailed: boolean; alarms: boolean; watch: boolean; interval?: string }>;

export function addStatusVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'status',
    description: verbDescriptions.status,
    examples: ['hal9-migrate status', 'hal9-migrate status --detailed', 'hal9-migrate status --json'],
  })
    .option('--detailed', 'also gates, attempts and every alarm', false)
    .option('--alarms', 'also every alarm', false)
    .option('-w, --watch', 'redraw until Ctrl-C', false)
    .option('--interval <seconds>', 'between two looks of --watch; 5 when absent')
    .action(async (options: StatusOptions) => {
      const intervalMs = positiveNumber('--interval', options.interval ?? '5') * 1000;
      if (options.interval !== undefined && !options.watch) throw needs('--interval', '--watch');
      const control = await openControlPlane(connect(options, context.env));
      if (options.watch) return await watchStatus(control, intervalMs, options);
      const status = await readStatus(control);
      if (options.json) printDocument('Status', { ...status });
      else present(status, options);
    });
}

function present(status: MigrationStatus, options: StatusOptions): void {
  for (const line of statusLines(status)) printData(line);
  if (options.detailed && status.run !== null) {
    printData('');
    for (const line of gateLines(status.run.judged)) printData(line);
  }
  for (const line of moreLines(status, options)) printData(line);
  nextStep(nextAfter(status.run?.status ?? null));
}

function moreLines({ run, alarms }: MigrationStatus, options: StatusOptions): readonly string[] {
  const attempts =
    options.detailed && run !== null && run.attempts.length > 0 ? ['', ...attemptTable(run).split('\n')] : [];
  if (!options.detailed && !options.alarms) return attempts;
  return [...attempts, '', ...alarms.map(({ name, state }) => `  ${state.padEnd(18)} ${name}`)];
}

/** Until Ctrl-C; as one JSON document a line with `--json`. */
async function watchStatus(
  control: CliControlPlane,
  intervalMs: number,
  options: StatusOptions,
): Promise<void> {
  const { json } = options;
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort());
  const lines = liveLines({ quiet: json });
  while (!stopped.signal.aborted) {
    const status = await readStatus(control);
    if (json) printData(JSON.stringify({ apiVersion, kind: 'Status', ...status }));
    else
      lines.update([
        ...statusLines(status),
        ...gateLines(status.run?.judged ?? []),
        ...moreLines(status, options),
      ]);
    await sleep(intervalMs, undefined, { signal: stopped.signal }).catch(() => undefined);
  }
  lines.done();
}

function nextAfter(status: string | null): string {
  switch (status) {
    case null:
      return 'hal9-migrate pre-check, then hal9-migrate migrate --phase shadow';
    case 'held':
      return 'hal9-migrate status --detailed shows which gate; then hal9-migrate migrate goes on';
    case 'rolled-back':
      return 'clear the cause, then hal9-migrate migrate goes forward again';
    case 'completed':
      return 'hal9-migrate state verify';
    default:
      return 'hal9-migrate status --detailed';
  }
}
