import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson } from '../../../../lib/kernel/canonical-json.ts';
import { compareRecords } from '../../../../lib/migration/editions/compare-records.ts';
import { exportText } from '../../../../cli/state/editions.ts';

const body = fc.jsonValue().map((value) => JSON.stringify(value));
const system = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1 }), body), { selector: ([pk]) => pk, maxLength: 12 })
  .map((entries) => entries.map(([pk, text]) => ({ pk, body: text })));

describe('the comparison of two systems', () => {
  it('finds nothing between a system and itself, in whatever order', () => {
    fc.assert(
      fc.property(system, (records) => {
        const { outcome, equal, differences } = compareRecords(records, records.toReversed());

        expect([outcome, equal, differences]).toEqual([
          records.length === 0 ? 'unproven' : 'equal',
          records.length,
          [],
        ]);
      }),
    );
  });

  it('counts every record of both systems once', () => {
    fc.assert(
      fc.property(system, system, (left, right) => {
        const { equal, differences } = compareRecords(left, right);
        const only = differences.filter(({ kind }) => kind === 'only-right').length;

        expect(equal + differences.length - only).toBe(left.length);
        expect(differences.length).toBeGreaterThanOrEqual(only);
        expect(only).toBe(right.filter(({ pk }) => !left.some((one) => one.pk === pk)).length);
      }),
    );
  });

  it('names the members that differ, integers beyond a double among them', () => {
    const left = [{ pk: 'config/a', body: '{"limit":9007199254740993,"same":[1],"was":{"x":1}}' }];
    const right = [
      { pk: 'config/a', body: '{"limit":9007199254740992,"now":true,"same":[1],"was":{"x":1}}' },
    ];

    expect(compareRecords(left, right).differences).toEqual([
      {
        kind: 'changed',
        pk: 'config/a',
        members: [
          { path: 'limit', left: '9007199254740993', right: '9007199254740992' },
          { path: 'now', left: undefined, right: 'true' },
        ],
      },
    ]);
  });

  it('does not call a record equal that has no form to compare', () => {
    const left = [{ pk: 'config/a', body: null, note: 'InvalidJson' }];

    expect(compareRecords(left, [{ pk: 'config/a', body: null }])).toMatchObject({
      outcome: 'different',
      differences: [{ kind: 'unreadable', note: 'InvalidJson' }],
    });
  });
});

describe('an export', () => {
  it('is JSON and keeps every digit', () => {
    const body = canonicalJson({ limit: 9007199254740993n });
    const text = exportText({ category: 'configuration', system: 'flat' }, [
      { pk: 'config/a|b', body },
      { pk: 'config/c', body: null, note: 'InvalidJson: "x"' },
    ]);

    expect(text).toContain('{"pk":"config/a|b","body":{"limit":9007199254740993}}');
    expect(JSON.parse(text)).toMatchObject({
      kind: 'ConfigurationExport',
      records: [{ pk: 'config/a|b' }, { body: null, note: 'InvalidJson: "x"' }],
    });
  });
});
