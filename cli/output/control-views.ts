import type { MigrationStatus } from '../../lib/orchestrator/operations/read-status.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import type { JudgedGate } from '../../lib/orchestrator/gates.ts';
import { workingPhases, phaseOrder } from '../../lib/orchestrator/phases.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';
import { duration, percentOfThousandths } from './quantities.ts';
import { renderTable } from './table.ts';
import { paint } from './terminal.ts';
import { hanging } from './wrap.ts';

/** `● shadow ─ ● canary ─ ◉ state-migration ─ ○ ramp-up ─ ○ full` */
export function phaseRail(phase: string): string {
  const present = phaseOrder(phase as Parameters<typeof phaseOrder>[0]);
  return workingPhases
    .map((name) => {
      const order = phaseOrder(name);
      if (order < present) return paint('good', `● ${name}`);
      return order === present ? paint('strong', `◉ ${name}`) : paint('dim', `○ ${name}`);
    })
    .join(' ─ ');
}

/** `█████░░░░░ 25 % hierarchical, 75 % flat` */
export function splitBar(thousandths: number): string {
  const width = 20;
  const filled = Math.round((thousandths / 100_000) * width);
  const bar = '█'.repeat(filled) + '░'.repeat(width - filled);
  return `${bar}  ${percentOfThousandths(thousandths)} hierarchical, ${percentOfThousandths(100_000 - thousandths)} flat`;
}

export function statusLines(status: MigrationStatus): readonly string[] {
  const { run, flags, alarms } = status;
  const red = alarms.filter(({ state }) => state === 'ALARM').map(({ name }) => name);
  return [
    phaseRail(status.phase),
    '',
    `traffic  ${splitBar(flags.killSwitch ? 0 : flags.trafficThousandths)}`,
    `shadow   ${flags.shadowEnabled ? 'comparing' : 'off'}`,
    ...hanging('run      ', run === null ? 'none yet' : runText(run)),
    ...hanging('alarms   ', red.length === 0 ? `${alarms.length} quiet` : paint('bad', red.join(', '))),
    ...(flags.killSwitch ? [paint('bad', 'kill switch set: everybody is on flat')] : []),
  ];
}

export function runText(run: RunRecord): string {
  const step = run.steps[run.stepIndex];
  const place = step === undefined ? run.phase : step.id;
  const why = run.reason === null ? '' : `: ${run.reason}`;
  return `${run.status} at ${place} (${run.stepIndex + 1} of ${run.steps.length}, profile ${run.profile})${why}`;
}

export function attemptTable(run: RunRecord): string {
  return renderTable(run.attempts, [
    { title: 'STEP', value: ({ stepId }) => stepId },
    { title: 'OUTCOME', value: ({ outcome }) => outcome },
    { title: 'STARTED', value: ({ startedAtMs }) => new Date(startedAtMs).toISOString().slice(0, 19) },
    {
      title: 'TOOK',
      align: 'right',
      value: ({ startedAtMs, endedAtMs }) => (endedAtMs === null ? '' : duration(endedAtMs - startedAtMs)),
    },
  ]);
}

export function gateLines(judged: readonly JudgedGate[]): readonly string[] {
  return judged.flatMap(({ gate, outcome }) => {
    if (outcome.kind === 'passed') return `  ${paint('good', '✓')} ${gate}`;
    const mark = outcome.kind === 'no-data' ? paint('warn', '…') : paint('bad', '✗');
    return hanging(`  ${mark} `, `${gate}: ${outcome.why}`);
  });
}

export function checkLines(checks: readonly Check[]): readonly string[] {
  const marks = { pass: paint('good', '✓'), warn: paint('warn', '!'), fail: paint('bad', '✗') };
  return checks.flatMap(({ name, result, detail, remedy }) => [
    ...hanging(`${marks[result]} ${name.padEnd(20)} `, detail),
    ...(remedy === null ? [] : hanging(`  ${''.padEnd(20)} `, remedy).map((line) => paint('dim', line))),
  ]);
}
