import type {
  AlarmReader,
  AlarmStatus,
  MetricQuery,
  MetricReader,
  MetricReading,
} from '../monitoring/ports.ts';
import { isRollbackAlarm } from '../monitoring/alarm-definitions.ts';
import { metricNames, type MeasuredSystem } from '../monitoring/metric-names.ts';
import type { Evidence, Gate, GateOutcome, JudgedGate } from './gates.ts';
import { phases } from './phases.ts';
import type { PlanStep } from './plan.ts';

export interface JudgeGatesDeps {
  readonly metrics: MetricReader;
  readonly alarms: AlarmReader;
}

export interface GateWindow {
  /** When the step was completely entered; older evidence is about another step. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Health is a state, not a rate: a failed check of this morning says nothing about now. */
const healthWindowMs = 5 * 60_000;
/** How far back flat is looked at when it serves nobody any more. */
const baselineMs = 24 * 3_600_000;
/** Newer data than this must exist, or the measuring itself has stopped. */
const freshMs = 10 * 60_000;

interface Readings {
  readonly window: GateWindow;
  readonly measured: ReadonlyMap<string, MetricReading>;
  readonly health: ReadonlyMap<string, MetricReading>;
  /** Before the step, for when flat serves too few to be compared with. */
  readonly before: ReadonlyMap<string, MetricReading>;
  readonly alarms: readonly AlarmStatus[];
}

/** Judges every gate of the step but `state-moved`, which has a judge of its own. */
export async function judgeGates(
  deps: JudgeGatesDeps,
  step: PlanStep,
  window: GateWindow,
): Promise<readonly JudgedGate[]> {
  const recent = { startMs: Math.max(window.startMs, window.endMs - healthWindowMs), endMs: window.endMs };
  const before = { startMs: window.startMs - baselineMs, endMs: window.startMs };
  const [measured, health, baseline, alarms] = await Promise.all([
    deps.metrics.read(gateQueries, window),
    deps.metrics.read(healthQueries, recent),
    deps.metrics.read(baselineQueries, before),
    deps.alarms.list(),
  ]);
  const readings = { window, measured, health, before: baseline, alarms };
  return step.gates.flatMap((gate) => {
    const judged = judgeGate(gate, step, readings);
    return judged === null ? [] : [{ gate: gate.name, ...judged }];
  });
}

type Judgement = Omit<JudgedGate, 'gate'>;

const both: readonly MeasuredSystem[] = ['flat', 'hierarchical'];

const gateQueries: readonly MetricQuery[] = [
  ...both.flatMap((system): MetricQuery[] => [
    { id: `${system}_requests`, metric: metricNames.requests, system, statistic: 'Sum' },
    { id: `${system}_errors`, metric: metricNames.errors, system, statistic: 'Sum' },
    { id: `${system}_p99`, metric: metricNames.latency, system, statistic: 'p99' },
  ]),
  { id: 'compared', metric: metricNames.shadowCompared, statistic: 'Sum' },
  { id: 'matched', metric: metricNames.shadowMatched, statistic: 'Sum' },
  { id: 'critical', metric: metricNames.shadowCritical, statistic: 'Sum' },
];

const baselineQueries: readonly MetricQuery[] = [
  { id: 'flat_requests', metric: metricNames.requests, system: 'flat', statistic: 'Sum' },
  { id: 'flat_p99', metric: metricNames.latency, system: 'flat', statistic: 'p99' },
];

const healthQueries: readonly MetricQuery[] = both.flatMap((system): MetricQuery[] => [
  { id: `${system}_failed`, metric: metricNames.healthCheckFailed, system, statistic: 'Sum' },
  { id: `${system}_checks`, metric: metricNames.healthCheckFailed, system, statistic: 'SampleCount' },
]);

function judgeGate(gate: Gate, step: PlanStep, readings: Readings): Judgement | null {
  switch (gate.name) {
    case 'shadow-parity':
      return judgeParity(gate, readings);
    case 'error-rate':
      return judgeErrorRate(gate, readings);
    case 'latency-p99':
      return judgeLatency(gate, readings);
    case 'health-checks':
      return judgeHealth(gate, readings);
    case 'alarms':
      return judgeAlarms(step, readings);
    case 'state-moved':
      return null;
    default:
      return gate satisfies never;
  }
}

const passed: GateOutcome = { kind: 'passed' };
const noData = (why: string): GateOutcome => ({ kind: 'no-data', why });
const failed = (why: string, response: 'hold' | 'roll-back'): GateOutcome => ({
  kind: 'failed',
  why,
  response,
});

function valueOf(readings: ReadonlyMap<string, MetricReading>, id: string): number {
  return readings.get(id)?.value ?? 0;
}

function ageOf(readings: Readings, id: string): number | null {
  const newestAtMs = readings.measured.get(id)?.newestAtMs ?? null;
  return newestAtMs === null ? null : Math.max(0, readings.window.endMs - newestAtMs);
}

function sourceOf(readings: ReadonlyMap<string, MetricReading>, id: string): string {
  return readings.get(id)?.source ?? 'no data';
}

/** Why the samples are too few or too old to say anything; null when they are not. */
function whyTooThin(samples: number, least: number, ageMs: number | null, what: string): string | null {
  if (samples < least) return `${samples} of ${least} ${what} were seen since the step was entered`;
  if (ageMs !== null && ageMs > freshMs) return `the newest ${what} are ${Math.round(ageMs / 1000)} s old`;
  return null;
}

function judgeParity(gate: Extract<Gate, { name: 'shadow-parity' }>, readings: Readings): Judgement {
  const { measured } = readings;
  const compared = valueOf(measured, 'compared');
  const critical = valueOf(measured, 'critical');
  const parity = compared === 0 ? null : valueOf(measured, 'matched') / compared;
  const ageMs = ageOf(readings, 'compared');
  const evidence: Evidence[] = [
    {
      name: 'parity',
      value: parity,
      limit: gate.parityAtLeast,
      samples: compared,
      source: sourceOf(measured, 'compared'),
      ageMs,
    },
    { name: 'critical-differences', value: critical, source: sourceOf(measured, 'critical') },
  ];
  const thin = whyTooThin(compared, gate.minComparisons, ageMs, 'comparisons');
  if (thin !== null || parity === null) return { evidence, outcome: noData(thin ?? 'nothing was compared') };
  if (parity >= gate.parityAtLeast) return { evidence, outcome: passed };
  return {
    evidence,
    outcome: failed(
      `${percent(parity)} of the comparisons match, not ${percent(gate.parityAtLeast)}`,
      'hold',
    ),
  };
}

function judgeErrorRate(gate: Extract<Gate, { name: 'error-rate' }>, readings: Readings): Judgement {
  const { measured } = readings;
  const requests = valueOf(measured, 'hierarchical_requests');
  const rate = requests === 0 ? null : valueOf(measured, 'hierarchical_errors') / requests;
  const ageMs = ageOf(readings, 'hierarchical_requests');
  const evidence: Evidence[] = [
    {
      name: 'error-rate',
      value: rate,
      limit: gate.limit,
      samples: requests,
      source: sourceOf(measured, 'hierarchical_errors'),
      ageMs,
    },
  ];
  const thin = whyTooThin(requests, gate.minSamples, ageMs, 'requests');
  if (thin !== null || rate === null) return { evidence, outcome: noData(thin ?? 'no request was seen') };
  if (rate <= gate.limit) return { evidence, outcome: passed };
  const response = rate > gate.rollBackAbove ? 'roll-back' : 'hold';
  return {
    evidence,
    outcome: failed(`${percent(rate)} of the requests failed, limit ${percent(gate.limit)}`, response),
  };
}

/** A step is rolled back for latency only at this multiple of the flat system's. */
const rollBackMultiple = 2;

/**
 * As the alarm: a slowness that both systems share is no reason to go back, and the p99 of a hundred requests is one
 * request.
 */
function responseTo(
  gate: Extract<Gate, { name: 'latency-p99' }>,
  { p99, flatP99, samples }: { p99: number; flatP99: number | null; samples: number },
): 'roll-back' | 'hold' {
  if (samples < gate.rollBackSamples) return 'hold';
  const limitMs = Math.max(gate.rollBackAboveMs, rollBackMultiple * (flatP99 ?? 0));
  return p99 > limitMs ? 'roll-back' : 'hold';
}

/** The newest readings with enough of flat's requests in them. */
function flatReadings(
  gate: { readonly minSamples: number },
  { measured, before }: Readings,
): Readings['measured'] | undefined {
  return [measured, before].find((readingsOf) => valueOf(readingsOf, 'flat_requests') >= gate.minSamples);
}

function judgeLatency(gate: Extract<Gate, { name: 'latency-p99' }>, readings: Readings): Judgement {
  const { measured } = readings;
  const p99 = measured.get('hierarchical_p99')?.value ?? null;
  const flat = flatReadings(gate, readings);
  const flatP99 = flat?.get('flat_p99')?.value ?? null;
  const samples = valueOf(measured, 'hierarchical_requests');
  const ageMs = ageOf(readings, 'hierarchical_p99');
  // With everybody on one system flat is what it was before; without any of it the absolute limit decides alone.
  const limitMs = Math.max(gate.limitMs, gate.relativeLimit * (flatP99 ?? 0));
  const source = sourceOf(measured, 'hierarchical_p99');
  const evidence: Evidence[] = [
    { name: 'p99-ms', value: p99, limit: limitMs, samples, source, ageMs },
    { name: 'flat-p99-ms', value: flatP99, source: sourceOf(flat ?? measured, 'flat_p99') },
  ];
  const thin = whyTooThin(samples, gate.minSamples, ageMs, 'requests');
  if (thin !== null || p99 === null) return { evidence, outcome: noData(thin ?? 'no latency was measured') };
  if (p99 <= limitMs) return { evidence, outcome: passed };
  const response = responseTo(gate, { p99, flatP99, samples });
  return {
    evidence,
    outcome: failed(`p99 is ${p99.toFixed(1)} ms, limit ${limitMs.toFixed(1)} ms`, response),
  };
}

function judgeHealth(gate: Extract<Gate, { name: 'health-checks' }>, readings: Readings): Judgement {
  const counts = both.map((system) => ({
    system,
    failures: valueOf(readings.health, `${system}_failed`),
    checks: valueOf(readings.health, `${system}_checks`),
  }));
  const evidence = counts.map(({ system, failures, checks }): Evidence => ({
    name: `${system}-failed-checks`,
    value: checks === 0 ? null : failures,
    limit: 0,
    samples: checks,
    source: sourceOf(readings.health, `${system}_failed`),
  }));
  const unchecked = counts.find(({ checks }) => checks === 0);
  if (unchecked !== undefined) {
    return { evidence, outcome: noData(`no health check of the ${unchecked.system} system was recorded`) };
  }
  const ill = counts.findLast(({ failures }) => failures > 0);
  if (ill === undefined) return { evidence, outcome: passed };
  const isDown = ill.failures >= gate.failuresToRollBack && ill.failures === ill.checks;
  // Rolling back to a flat system that is down would make it worse.
  const response = ill.system === 'hierarchical' && isDown ? 'roll-back' : 'hold';
  const why = `${ill.failures} of ${ill.checks} health checks of the ${ill.system} system failed`;
  return { evidence, outcome: failed(why, response) };
}

function judgeAlarms(step: PlanStep, readings: Readings): Judgement {
  const { alarms } = readings;
  const evidence = alarms.map(({ name, state, reason }): Evidence => ({
    name,
    value: state,
    source: `alarm: ${reason}`,
  }));
  const red = alarms.filter(({ state }) => state === 'ALARM');
  if (red.length > 0) {
    const why = `in ALARM: ${red.map(({ name }) => name).join(', ')}`;
    const servesUsers = phases[step.phase].traffic !== 'nobody';
    // An alarm that was red before the step began calls nobody: its action runs on a change only.
    const response = servesUsers && red.some(({ name }) => isRollbackAlarm(name)) ? 'roll-back' : 'hold';
    return { evidence, outcome: failed(why, response) };
  }
  const guards = alarms.filter(({ name }) => isRollbackAlarm(name));
  if (guards.length === 0) return { evidence, outcome: noData('no alarm would roll back') };
  const muted = guards.filter(({ actionsEnabled }) => !actionsEnabled);
  if (muted.length > 0) {
    const why = `the actions of ${muted.map(({ name }) => name).join(', ')} are switched off: nothing would roll back`;
    return { evidence, outcome: failed(why, 'hold') };
  }
  const blind = guards.filter(({ state }) => state === 'INSUFFICIENT_DATA');
  if (blind.length > 0) {
    return { evidence, outcome: noData(`INSUFFICIENT_DATA: ${blind.map(({ name }) => name).join(', ')}`) };
  }
  return { evidence, outcome: passed };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}
