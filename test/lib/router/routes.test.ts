import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  defaultFlagsDocument,
  formatFlagsDocument,
  type FlagsDocument,
} from '../../../lib/flags/document.ts';
import { compileRoutes, formatRoutes, parseRoutes, routesFromFlags } from '../../../lib/router/routes.ts';

const documents: fc.Arbitrary<FlagsDocument> = fc
  .record({
    routingEpoch: fc.maxSafeNat(),
    killSwitch: fc.boolean(),
    hierarchicalEnabled: fc.boolean(),
    trafficThousandths: fc.integer({ min: 0, max: 100_000 }),
  })
  .map((routing) => ({ ...defaultFlagsDocument, ...routing }));

describe('compiled routes', () => {
  test('survive being written and read, in far less than a value of the store may hold', () => {
    fc.assert(
      fc.property(documents, fc.maxSafeNat(), (document, version) => {
        const routes = compileRoutes(document, version);
        const text = formatRoutes(routes);

        expect(parseRoutes(text)).toEqual(routes);
        expect(text.length).toBeLessThan(128);
      }),
    );
  });

  test('are the same whether compiled from the document or read from its text at the edge', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(routesFromFlags(formatFlagsDocument(document))).toEqual(compileRoutes(document, 0));
      }),
    );
  });

  test.each([
    undefined,
    null,
    7,
    '',
    '{',
    'null',
    '[]',
    '{}',
    '{"f":2,"e":1,"v":1,"k":0,"h":1,"t":1}',
    '{"f":1,"e":-1,"v":1,"k":0,"h":1,"t":1}',
    '{"f":1,"e":1,"v":1,"k":2,"h":1,"t":1}',
    '{"f":1,"e":1,"v":1,"k":0,"h":true,"t":1}',
    '{"f":1,"e":1,"v":1,"k":0,"h":1,"t":100001}',
    '{"f":1,"e":1,"v":1,"k":0,"h":1,"t":0.5}',
    '{"f":1,"e":1e400,"v":1,"k":0,"h":1,"t":1}',
  ])('that read %j are none', (text) => {
    expect(parseRoutes(text)).toBeNull();
  });

  test('are never thrown over, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (text) => {
        expect(parseRoutes(text)).toBeNull();
        expect(routesFromFlags(text)).toBeNull();
      }),
    );
  });

  test.each([{ trafficThousandths: -1 }, { routingEpoch: '1' }, { killSwitch: 0 }, { schemaVersion: 2 }])(
    'are none for flags with %j',
    (fault) => {
      expect(routesFromFlags(JSON.stringify({ ...defaultFlagsDocument, ...fault }))).toBeNull();
    },
  );
});
