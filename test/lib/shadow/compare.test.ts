import { describe, expect, test } from 'vitest';

import { compareObservations } from '../../../lib/shadow/compare.ts';
import { defaultIgnoreRules } from '../../../lib/shadow/ignore-rules.ts';
import type { Observation } from '../../../lib/shadow/observation.ts';

const compare = (control: Observation, candidate: Observation) =>
  compareObservations(control, candidate, defaultIgnoreRules);
const json = (
  body: unknown,
  over: Partial<{ status: number; headers: Record<string, string> }> = {},
): Observation => ({
  kind: 'answered',
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
  durationMs: 1,
  ...over,
});
const text = (body: string): Observation => json(body, { headers: { 'content-type': 'text/plain' } });
const many = (offset: number): Observation => json(Array.from({ length: 500 }, (_, index) => index + offset));
const failed: Observation = { kind: 'failed', cause: 'ECONNREFUSED', durationMs: 1 };

describe('two answers', () => {
  test('match when they are equal, whatever the order of members and the form of numbers', () => {
    expect(compare(json('{"a":1,"b":2}'), json('{"b":2.0,"a":1e0}'))).toMatchObject({
      class: 'match',
      differences: [],
    });
  });

  test('differ benignly in the time of the answer', () => {
    expect(
      compare(json({ data: { a: 1 }, served_at: 1 }), json({ data: { a: 1 }, served_at: 2 })),
    ).toMatchObject({
      class: 'benign',
      differences: [{ path: 'body.served_at', kind: 'value' }],
    });
  });

  test('differ as expected where reading changes the record', () => {
    expect(
      compare(
        json({ data: { access_count: 1 }, served_at: 1 }),
        json({ data: { access_count: 2 }, served_at: 2 }),
      ),
    ).toMatchObject({ class: 'expected' });
  });

  test.each([
    ['a value', { a: 1 }, { a: 2 }, 'value'],
    ['a type', { a: 1 }, { a: '1' }, 'type'],
    ['null for something', { a: null }, { a: 0 }, 'type'],
    ['a member too few', { a: 1 }, {}, 'missing-in-candidate'],
    ['a member too many', {}, { a: null }, 'missing-in-control'],
    ['another length', { a: [1] }, { a: [1, 2] }, 'length'],
    ['a big integer', '{"a":9007199254740993}', '{"a":9007199254740992}', 'value'],
    ['a name of the prototype', {}, { constructor: 1 }, 'missing-in-control'],
  ])('with %s are critical', (_what, control, candidate, kind) => {
    const comparison = compare(json(control), json(candidate));

    expect(comparison).toMatchObject({ class: 'critical', differences: [{ kind }] });
  });

  test('are critical when only one field among ignored ones is wrong', () => {
    expect(compare(json({ served_at: 1, a: 1 }), json({ served_at: 2, a: 2 }))).toMatchObject({
      class: 'critical',
    });
  });

  test('are critical when the status or the type of content differs', () => {
    expect(compare(json({}), json({}, { status: 404 }))).toMatchObject({
      class: 'critical',
      differences: [{ path: 'status' }],
    });
    expect(compare(json({}), json({}, { headers: { 'content-type': 'text/plain' } }))).toMatchObject({
      class: 'critical',
    });
  });

  test('are critical when only one system failed, and ignored when both did', () => {
    expect(compare(json({}), failed)).toMatchObject({ class: 'critical' });
    expect(compare(failed, json({}))).toMatchObject({ class: 'critical' });
    expect(compare(json({}), json({}, { status: 503 }))).toMatchObject({ class: 'critical' });
    expect(compare(failed, json({}, { status: 500 }))).toEqual({ kind: 'ignored', reason: 'both failed' });
  });

  test('that are no JSON are compared as texts', () => {
    expect(compare(text('a'), text('a'))).toMatchObject({ class: 'match' });
    expect(compare(text('a'), text('b'))).toMatchObject({
      class: 'critical',
      differences: [{ path: 'body' }],
    });
  });

  test('leave no value of a user in what is reported', () => {
    const comparison = compare(json({ mail: 'alice@example.com' }), json({ mail: 'bob@example.com' }));

    expect(JSON.stringify(comparison)).not.toContain('example.com');
    expect(comparison).toMatchObject({
      differences: [
        { control: { type: 'string', hash: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown } },
      ],
    });
  });

  test('report at most fifty differences', () => {
    expect(compare(many(0), many(1))).toMatchObject({ differences: { length: 50 } });
  });
});
