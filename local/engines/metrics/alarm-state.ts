import type { AlarmStateValue } from '../ports.ts';
import type { Datapoints } from './alarm-datapoints.ts';
import type { AlarmDefinition } from './alarm-definition.ts';
import { comparisons } from './alarm-definition.ts';

export interface AlarmVerdict {
  readonly state: AlarmStateValue;
  readonly reason: string;
}

/** The state that the datapoints call for, by CloudWatch's rules for M out of N and for missing data. */
export function judgeAlarm(
  alarm: AlarmDefinition,
  points: Datapoints,
  current: AlarmStateValue,
): AlarmVerdict {
  const known = points
    .map((value, age) => ({ value, age }))
    .filter((point): point is KnownPoint => point.value !== undefined)
    .slice(0, alarm.evaluationPeriods);
  const breaches = known.filter((point) => isBreaching(alarm, point.value));
  const state =
    known.length >= alarm.evaluationPeriods
      ? fromCount(alarm, breaches.length)
      : withGaps(alarm, { known, breaches, current });
  return { state, reason: reasonOf(alarm, known, breaches.length) };
}

interface KnownPoint {
  readonly value: number;
  /** Periods before the newest. */
  readonly age: number;
}

interface Gapped {
  readonly known: readonly KnownPoint[];
  readonly breaches: readonly KnownPoint[];
  readonly current: AlarmStateValue;
}

function isBreaching(alarm: AlarmDefinition, value: number): boolean {
  return comparisons[alarm.comparison]?.(value, alarm.threshold) ?? false;
}

function fromCount(alarm: AlarmDefinition, breaches: number): AlarmStateValue {
  return breaches >= alarm.datapointsToAlarm ? 'ALARM' : 'OK';
}

function withGaps(alarm: AlarmDefinition, gapped: Gapped): AlarmStateValue {
  const filled = alarm.evaluationPeriods - gapped.known.length;
  switch (alarm.treatMissing) {
    case 'breaching':
      return fromCount(alarm, gapped.breaches.length + filled);
    case 'notBreaching':
      return fromCount(alarm, gapped.breaches.length);
    case 'ignore':
      return ignoringGaps(alarm, gapped, gapped.current);
    case 'missing':
    default:
      return ignoringGaps(
        alarm,
        gapped,
        gapped.known.length === 0 ? 'INSUFFICIENT_DATA' : lonelyBreach(alarm, gapped),
      );
  }
}

function ignoringGaps(alarm: AlarmDefinition, gapped: Gapped, undecided: AlarmStateValue): AlarmStateValue {
  if (gapped.breaches.length >= alarm.datapointsToAlarm) {
    return 'ALARM';
  }
  return gapped.breaches.length < gapped.known.length ? 'OK' : undecided;
}

/** Breaches with nothing but gaps after them raise the alarm once they are as old as the datapoints it takes. */
function lonelyBreach(alarm: AlarmDefinition, gapped: Gapped): AlarmStateValue {
  const oldest = gapped.breaches.at(-1)?.age ?? 0;
  return oldest + 1 >= alarm.datapointsToAlarm ? 'ALARM' : gapped.current;
}

function reasonOf(alarm: AlarmDefinition, known: readonly KnownPoint[], breaches: number): string {
  if (known.length === 0) {
    return `no datapoints were received for ${alarm.evaluationPeriods} periods; missing data is treated as ${alarm.treatMissing}`;
  }
  const values = known.map((point) => String(Math.round(point.value * 10_000) / 10_000)).join(', ');
  const rule = `${alarm.comparison} ${alarm.threshold}`;
  return `${breaches} of the last ${known.length} datapoints [${values}] match ${rule}; ${alarm.datapointsToAlarm} out of ${alarm.evaluationPeriods} raise the alarm`;
}
