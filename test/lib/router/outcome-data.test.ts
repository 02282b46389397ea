import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseOutcomeData } from '../../../lib/router/outcome-data.ts';
import { summariseOutcomes } from '../../../lib/router/outcome-metrics.ts';
import { encodeOutcome, type OutcomeRecord } from '../../../lib/router/outcome-record.ts';

const nowMs = Date.UTC(2026, 0, 31);
const record: OutcomeRecord = {
  requestId: 'r-1',
  atMs: nowMs,
  cohort: 'flat',
  epoch: 2,
  subject: '0123456789abcdef',
  method: 'GET',
  path: '/api/v1/users/1',
  query: '',
  status: 200,
  latencyMs: 12,
  location: 'LOCAL',
};

describe('outcome data', () => {
  test('holds one log line per request', () => {
    const data = `${encodeOutcome(record)}\n${encodeOutcome({ ...record, cohort: 'hierarchical', query: 'a=1' })}\n`;

    expect(parseOutcomeData(data, nowMs)).toEqual([
      { kind: 'outcome', record },
      { kind: 'outcome', record: { ...record, cohort: 'hierarchical', query: 'a=1' } },
    ]);
  });

  test('may be JSON', () => {
    const { location: region, ...rest } = record;

    expect(parseOutcomeData(JSON.stringify({ ...rest, region, servedBy: 'flat' }), nowMs)).toEqual([
      { kind: 'outcome', record },
    ]);
  });

  test.each([
    ['an empty record', ''],
    ['half a line', encodeOutcome(record).slice(0, 40)],
    ['half a JSON object', '{"requestId":'],
    ['a JSON object without status', JSON.stringify({ ...record, status: undefined })],
    ['a status of 999', encodeOutcome({ ...record, status: 999 })],
    ['a cohort that nobody knows', encodeOutcome({ ...record, cohort: 'other' as 'flat' })],
    ['a time of last week', encodeOutcome({ ...record, atMs: nowMs - 7 * 24 * 3_600_000 })],
    ['a time of tomorrow', encodeOutcome({ ...record, atMs: nowMs + 24 * 3_600_000 })],
    ['a missing path', encodeOutcome({ ...record, path: '-' })],
  ])('that is %s is malformed', (_what, data) => {
    expect(parseOutcomeData(data, nowMs)).toEqual([
      { kind: 'malformed', reason: expect.any(String) as unknown },
    ]);
  });

  test('never makes the parser throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (data) => {
        expect(parseOutcomeData(data, nowMs).every((each) => each.kind === 'malformed')).toBe(true);
      }),
    );
  });
});

describe('metrics of outcomes', () => {
  test('count requests and errors per system and second, and latencies by value', () => {
    const metrics = summariseOutcomes([
      record,
      { ...record, status: 503, latencyMs: 12.3 },
      { ...record, status: 404, latencyMs: 3.04 },
      { ...record, cohort: 'hierarchical', status: 0, atMs: nowMs + 999 },
      { ...record, atMs: nowMs + 1_000 },
    ]);

    const of = (system: string, atMs: number) =>
      Object.fromEntries(
        metrics
          .filter((each) => each.system === system && each.atMs === atMs)
          .map((each) => [each.name, each.values]),
      );
    expect(of('flat', nowMs)).toEqual({ Requests: [3], Errors: [1], LatencyMs: [3, 12] });
    expect(of('flat', nowMs + 1_000)).toEqual({ Requests: [1], Errors: [0], LatencyMs: [12] });
    expect(of('hierarchical', nowMs)).toEqual({ Requests: [1], Errors: [1], LatencyMs: [12] });
    expect(metrics.find((each) => each.name === 'LatencyMs')?.counts).toEqual([1, 2]);
  });

  test('count every record exactly once', () => {
    const records = fc.array(
      fc.record({
        cohort: fc.constantFrom('flat' as const, 'hierarchical' as const),
        at: fc.nat(5_000),
        latencyMs: fc.nat(3_000),
      }),
    );
    fc.assert(
      fc.property(records, (each) => {
        const metrics = summariseOutcomes(
          each.map(({ at, ...over }) => ({ ...record, ...over, atMs: nowMs + at })),
        );
        const total = (name: string) =>
          metrics
            .filter((metric) => metric.name === name)
            .reduce(
              (sum, metric) =>
                sum + (name === 'LatencyMs' ? metric.counts : metric.values).reduce((a, b) => a + b, 0),
              0,
            );

        expect(total('Requests')).toBe(each.length);
        expect(total('LatencyMs')).toBe(each.length);
      }),
    );
  });
});
