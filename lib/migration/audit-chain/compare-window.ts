import { judgeAgain, type JudgeKeysDeps } from '../judge-keys.ts';
import { recordPk } from '../key.ts';
import type { RecordKey } from '../row.ts';
import { tableOf } from '../table-lookup.ts';
import type { AuditStream } from './ports.ts';
import { readWindow, type AuditWindow, type WindowEvent } from './read-window.ts';

type SideFaultName =
  /** One side has the event, the other does not. */
  | 'AuditMissing'
  /** Both have it with different content. */
  | 'AuditDiffers'
  /** The record is not what was written. */
  | 'AuditDamaged'
  /** The row has no hierarchical form. */
  | 'AuditQuarantined';

interface SideFault {
  readonly fault: SideFaultName;
  readonly sequence: string;
  readonly detail: string;
}

export type ComparedWindow =
  | { readonly kind: 'settled'; readonly window: AuditWindow; readonly faults: readonly SideFault[] }
  /** Changes of this stretch are still on their way. */
  | { readonly kind: 'pending' };

/** A stretch that differs is read again this often while changes of it arrive. */
const mostReads = 3;

/** One stretch of both sides, read again while it differs and changes may be on their way. */
export async function compareWindow(
  deps: JudgeKeysDeps,
  stream: AuditStream,
  after: bigint | null,
): Promise<ComparedWindow> {
  const { category } = tableOf(deps.definition, stream.recordType);
  for (let read = 1; ; read += 1) {
    const window = await readWindow(deps, stream, after);
    const faults = faultsOf(window);
    if (faults.length === 0) return { kind: 'settled', window, faults };
    const judged = await judgeAgain(deps, category, keysOf(window, faults));
    if (!judged.some(({ verdict }) => verdict === 'pending' || verdict === 'verified')) {
      return { kind: 'settled', window, faults };
    }
    if (read === mostReads) return { kind: 'pending' };
  }
}

function keysOf({ flat, hierarchical }: AuditWindow, faults: readonly SideFault[]): readonly RecordKey[] {
  const differing = new Set(faults.map(({ sequence }) => sequence));
  const events = [...flat, ...hierarchical].filter(({ sequence }) => differing.has(sequence.toString()));
  return [...new Map(events.map(({ key }) => [recordPk(key), key])).values()];
}

function faultsOf({ flat, hierarchical }: AuditWindow): readonly SideFault[] {
  const others = new Map(hierarchical.map((event) => [event.sequence, event]));
  const faults: SideFault[] = [];
  for (const event of flat) {
    const other = others.get(event.sequence);
    others.delete(event.sequence);
    const fault = faultOf(event, other);
    if (fault !== null) faults.push(fault);
  }
  for (const event of others.values()) {
    faults.push(sideFault('AuditMissing', event, 'flat does not have it'));
  }
  return faults;
}

function faultOf(event: WindowEvent, other: WindowEvent | undefined): SideFault | null {
  if (other === undefined) return sideFault('AuditMissing', event, 'the hierarchical side does not have it');
  if (other.state === 'quarantined') return sideFault('AuditQuarantined', event, 'it is in quarantine');
  if (other.state === 'damaged')
    return sideFault('AuditDamaged', event, 'its record is not what was written');
  return other.hash === event.hash ? null : sideFault('AuditDiffers', event, 'its content is not the same');
}

function sideFault(fault: SideFaultName, { sequence }: WindowEvent, detail: string): SideFault {
  return { fault, sequence: sequence.toString(), detail };
}
