import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  checkFlagsDocument,
  defaultFlagsDocument,
  formatFlagsDocument,
  parseFlagsDocument,
} from '../../../lib/flags/document.ts';
import { flagsJsonSchema } from '../../../lib/flags/json-schema.ts';
import { acceptsDraft4 } from '../../support/draft-4-schema.ts';

describe('a flags document', () => {
  test('has everything off by default', () => {
    const { killSwitch, hierarchicalEnabled, trafficThousandths, shadow, routingEpoch } =
      defaultFlagsDocument;

    expect({ killSwitch, hierarchicalEnabled, trafficThousandths, routingEpoch }).toEqual({
      killSwitch: false,
      hierarchicalEnabled: false,
      trafficThousandths: 0,
      routingEpoch: 0,
    });
    expect(shadow).toEqual({ enabled: false, sampleThousandths: 0 });
  });

  test('survives being written and read', () => {
    expect(parseFlagsDocument(formatFlagsDocument(defaultFlagsDocument))).toEqual(defaultFlagsDocument);
  });

  test('that is no JSON is refused with the reason', () => {
    expect(() => parseFlagsDocument('{')).toThrow(
      expect.objectContaining({
        name: 'FlagsInvalid',
        message: expect.stringContaining('it is not JSON') as unknown,
      }),
    );
  });

  test('with several faults names all of them', () => {
    const document = { ...defaultFlagsDocument, trafficThousandths: -1, killSwitch: 'no', extra: 1 };

    expect(() => checkFlagsDocument(document)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /(?=.*"trafficThousandths" must be at least 0)(?=.*"killSwitch" must be of type boolean)(?=.*"extra")/,
        ) as unknown,
      }),
    );
  });

  test.each(['__proto__', 'constructor', 'prototype'])('refuses a feature named %s', (name) => {
    const text = formatFlagsDocument(defaultFlagsDocument).replace(
      '"features": {}',
      `"features": {"${name}": {"enabled": true, "thousandths": 1}}`,
    );

    expect(() => parseFlagsDocument(text)).toThrow(expect.objectContaining({ name: 'FlagsInvalid' }));
    expect(acceptsDraft4(flagsJsonSchema, JSON.parse(text))).toBe(false);
  });

  test('refuses __proto__ beside its members too', () => {
    const text = formatFlagsDocument(defaultFlagsDocument).replace('{', '{"__proto__": {},');

    expect(() => parseFlagsDocument(text)).toThrow(expect.objectContaining({ name: 'FlagsInvalid' }));
    expect(acceptsDraft4(flagsJsonSchema, JSON.parse(text))).toBe(false);
  });
});

describe("AppConfig's validator", () => {
  test('accepts and refuses exactly what the parser does', () => {
    let accepted = 0;
    fc.assert(
      fc.property(nearlyValidDocuments(), (document) => {
        const json: unknown = JSON.parse(JSON.stringify(document));
        const isAccepted = parses(json);

        if (isAccepted) accepted += 1;
        expect(acceptsDraft4(flagsJsonSchema, json)).toBe(isAccepted);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });
});

function parses(json: unknown): boolean {
  try {
    checkFlagsDocument(json);
    return true;
  } catch {
    return false;
  }
}

/** Valid documents in which at most two members were replaced, removed or added. */
function nearlyValidDocuments(): fc.Arbitrary<unknown> {
  const share = fc.integer({ min: 0, max: 100_000 });
  const state = fc.record({ enabled: fc.boolean(), thousandths: share });
  const valid = fc.record({
    schemaVersion: fc.constant(1),
    routingEpoch: fc.nat(),
    killSwitch: fc.boolean(),
    hierarchicalEnabled: fc.boolean(),
    trafficThousandths: share,
    shadow: fc.record({ enabled: fc.boolean(), sampleThousandths: share }),
    features: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,63}$/), state, { maxKeys: 3 }),
    updatedBy: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    updatedAt: fc.constant('2026-01-31T09:30:00Z'),
    reason: fc.string({ unit: 'binary-ascii', maxLength: 20 }),
  });
  const oddity = fc.oneof(
    fc.constantFrom(-1, 100_000, 100_001, 0.5, 2 ** 60, '', null, [], {}, 'x'.repeat(200), 'x'.repeat(201)),
    fc.constantFrom('😀'.repeat(200), 'x'.repeat(1001), '2026-01-31 09:30', { enabled: true }, true),
    fc.dictionary(fc.constantFrom('Upper', 'a'.repeat(65), '9a', 'a-b', 'fine', 'constructor'), state, {
      maxKeys: 2,
    }),
    fc.constant({ enabled: true, sampleThousandths: 1, more: 1 }),
  );
  const names = fc.constantFrom(...Object.keys(defaultFlagsDocument), 'unknown', 'enabled');
  const change = fc.record({ name: names, value: fc.option(oddity, { nil: undefined }) });
  return fc.tuple(valid, fc.array(change, { maxLength: 2 })).map(([document, changes]) => {
    const changed: Record<string, unknown> = { ...document };
    for (const { name, value } of changes) changed[name] = value;
    return changed;
  });
}
