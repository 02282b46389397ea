import type { DemoSummary } from '../../local/demo/demo-summary.ts';
import type { DemoView, SystemView } from '../../local/demo/demo-view.ts';
import { phaseRail, splitBar } from './control-views.ts';
import { count, duration, share } from './quantities.ts';
import { verificationTable } from './state-views.ts';
import { renderTable } from './table.ts';
import { paint } from './terminal.ts';

const copyBarWidth = 20;

/** The block that is redrawn while the demo runs; fits 80 columns. */
export function demoLines(view: DemoView): readonly string[] {
  return [
    paint('strong', `${clock(view.elapsedMs)}  ${view.scene}`),
    phaseRail(view.phase),
    `step     ${stepText(view)}`,
    `traffic  ${splitBar(view.trafficThousandths)}`,
    systemLine('flat', view.flat),
    systemLine('hierarchical', view.hierarchical),
    `copied   ${copyText(view.copy)}`,
  ];
}

/** One thing that happened, with when it did. */
export function eventLine(elapsedMs: number, text: string): string {
  return `${paint('dim', clock(elapsedMs))}  ${text}`;
}

function clock(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function stepText(view: DemoView): string {
  if (view.stepId === null) return view.status;
  const why = view.reason === null ? '' : paint('dim', `  ${view.reason}`);
  return `${view.stepId} (${view.stepNumber} of ${view.stepCount}), ${view.status}${why}`;
}

function systemLine(name: string, { requests, errorRate, p99Ms }: SystemView): string {
  const errors = errorRate === null ? '-' : share(errorRate);
  const isBad = (errorRate ?? 0) > 0;
  const p99 = p99Ms === null ? '-' : `${p99Ms.toFixed(1)} ms`;
  return `${name.padEnd(14)}${count(requests).padStart(8)} requests   errors ${isBad ? paint('bad', errors) : errors}   p99 ${p99}`;
}

function copyText(copy: DemoView['copy']): string {
  if (copy === null) return paint('dim', 'not yet');
  const ratio = copy.rows === 0 ? 1 : Math.min(1, copy.copied / copy.rows);
  const filled = Math.round(ratio * copyBarWidth);
  const bar = '█'.repeat(filled) + '░'.repeat(copyBarWidth - filled);
  const rows = `${count(copy.copied)} of ${count(copy.rows)}`;
  if (copy.perSecond === 0 || ratio === 1) return `${bar}  ${rows}`;
  const eta = duration(((copy.rows - copy.copied) / copy.perSecond) * 1000);
  return `${bar}  ${rows}  ${count(copy.perSecond)}/s  ETA ${eta}`;
}

/** The summary for people, as printed at the end. */
export function summaryText(summary: DemoSummary): string {
  const { traffic, history, outcome, failures } = summary;
  const verdict =
    outcome === 'completed'
      ? paint('good', 'Completed: nothing was lost, nothing was stale, nothing came back')
      : paint(
          'bad',
          `${outcome === 'partial' ? 'Partial' : 'Failed'}: ${count(failures.length)} things do not hold`,
        );
  return [
    '',
    verdict,
    ...failures.map((failure) => `  ${paint('bad', '✗')} ${failure}`),
    '',
    stepsTable(summary),
    '',
    ...(summary.rollbacks.length === 0 ? [] : [rollbacksTable(summary), '']),
    verificationTable(summary.state),
    '',
    `Traffic  ${count(traffic.requests)} requests: ${count(traffic.flat)} by flat, ${count(traffic.hierarchical)} by hierarchical`,
    `         ${count(traffic.failed)} failed, ${count(traffic.failedDuringFault)} during the injected faults; ${count(traffic.shadowed)} compared in shadow`,
    `History  ${count(history.acknowledgedWrites)} acknowledged writes to ${count(history.keys)} records`,
    `         ${count(history.lostWrites)} lost, ${count(history.staleReads)} stale reads, ${count(history.resurrections)} resurrections`,
    ...windowLines(summary),
    `Took     ${duration(summary.elapsedMs)}${summary.peakMemoryMb === null ? '' : `, ${count(summary.peakMemoryMb)} MB of memory at most`}`,
  ].join('\n');
}

function windowLines({ windows }: DemoSummary): readonly string[] {
  return windows.map(
    ({ name, acknowledgedWrites, tookMs }, index) =>
      `${index === 0 ? 'Writes' : '      '}   ${count(acknowledgedWrites)} acknowledged during: ${name} (${duration(tookMs)})`,
  );
}

function stepsTable({ phases }: DemoSummary): string {
  return renderTable(phases, [
    { title: 'STEP', value: ({ step }) => step },
    { title: 'OUTCOME', value: ({ outcome }) => paint(outcome === 'passed' ? 'good' : 'warn', outcome) },
    {
      title: 'TOOK',
      align: 'right',
      value: ({ startedAt, endedAt }) =>
        endedAt === null ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt)),
    },
  ]);
}

function rollbacksTable({ rollbacks }: DemoSummary): string {
  return renderTable(rollbacks, [
    { title: 'ROLLBACK', value: ({ fromPhase, toPhase }) => `${fromPhase} → ${toPhase}` },
    { title: 'BROKEN', value: ({ injected }) => injected ?? 'nothing on purpose' },
    { title: 'TRIGGER', value: ({ trigger }) => trigger.replace(/^alarm:.*-migrate-/u, 'alarm ') },
    { title: 'DETECTED', align: 'right', value: ({ detectedAfterMs }) => afterText(detectedAfterMs) },
    { title: 'TRAFFIC OFF', align: 'right', value: ({ trafficOffAfterMs }) => afterText(trafficOffAfterMs) },
    { title: 'STATE', value: ({ stateRestored }) => (stateRestored ? 'to flat' : '-') },
  ]);
}

function afterText(milliseconds: number | null): string {
  return milliseconds === null ? '-' : duration(milliseconds);
}
