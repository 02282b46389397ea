import type { AuditReport, AuditStreamReport } from '../../lib/migration/audit-chain/audit-report.ts';
import type { ChainPoint } from '../../lib/migration/audit-chain/chain.ts';
import type { SealedStream } from '../../lib/migration/audit-chain/seal-audit.ts';
import { count } from './quantities.ts';
import { renderTable } from './table.ts';
import { paint } from './terminal.ts';

interface ChainRow {
  readonly name: string;
  readonly what: string;
  readonly point: ChainPoint | null;
}

/** The chain of both sides and the last seal, stream by stream; equal heads mean equal events in equal order. */
export function chainTable(streams: readonly AuditStreamReport[]): string {
  const rows = streams.flatMap(({ recordType, stream, flat, hierarchical, sealed }): ChainRow[] => {
    const name = `${recordType}/${stream}`;
    return [
      { name, what: 'flat', point: flat },
      { name, what: 'hierarchical', point: hierarchical },
      { name, what: 'sealed', point: sealed },
    ];
  });
  return renderTable(rows, [
    { title: 'STREAM', value: ({ name }) => name },
    { title: 'CHAIN', value: ({ what }) => what },
    { title: 'EVENTS', align: 'right', value: ({ point }) => count(point?.count ?? 0) },
    { title: 'FIRST', align: 'right', value: ({ point }) => point?.first ?? '-' },
    { title: 'LAST', align: 'right', value: ({ point }) => point?.last ?? '-' },
    { title: 'HEAD', value: ({ point }) => point?.head.slice(0, 16) ?? '-' },
  ]);
}

export function auditVerdict(report: AuditReport): string {
  const verdicts: Readonly<Record<AuditReport['outcome'], string>> = {
    sound: paint('good', `In order, without a gap, the same on both sides, and ${sealedText(report)}`),
    broken: paint('bad', 'The audit stream is not what it should be'),
    pending: paint('warn', 'Sound up to where later events are still on their way'),
    unproven: paint('bad', 'Nothing was proven'),
  };
  const { scanned, canary } = report;
  return `${verdicts[report.outcome]}: ${count(scanned)} events looked at, ${canary.found} of ${canary.planted} planted faults found.`;
}

/** What an operator can make of a walk that proved nothing. */
export function unprovenLines({ unproven }: AuditReport): readonly string[] {
  const reasons: Readonly<Record<NonNullable<AuditReport['unproven']>, readonly string[]>> = {
    'no-numbered-events': [
      'Order and gaps can be proven of audit events that are numbered, and the store has none.',
      'The `audit_log` of a running HAL9 server gives its events ids in no order, so that a missing one leaves no gap:',
      'its events are compared one by one, by `hal9-migrate state verify --category metadata`.',
    ],
    'too-few-events': ['There are too few events to plant a fault among them and see that it is found.'],
    'planted-faults-missed': [
      'Faults were planted in copies of events, and not all were found: report this.',
    ],
  };
  return unproven === null ? [] : reasons[unproven];
}

export function sealLine(
  { recordType, stream, added, sealed, end }: SealedStream,
  isDryRun: boolean,
): string {
  const did = isDryRun ? 'would seal' : 'sealed';
  const through = sealed === null ? '' : `, up to ${sealed.last} (head ${sealed.head.slice(0, 16)})`;
  const stopped = end === null || end === 'end of the stream' ? '' : `; stopped: ${end}`;
  return `${did} ${count(added)} events of ${recordType}/${stream}${through}${stopped}`;
}

function sealedText({ streams }: AuditReport): string {
  return streams.some(({ sealed }) => sealed === null) ? 'not sealed yet' : 'as it was sealed';
}
