import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';

import { synthesize, type Synthesized } from './synthesized.ts';

const source = { kind: 'jsonl', path: 's3://flat-export/2024/' };

describe('a deployment whose flat store is objects of JSON Lines', () => {
  let cloud: Synthesized;
  beforeAll(() => {
    const deploy = JSON.parse(readFileSync('hal9.deploy.json', 'utf8')) as object;
    cloud = synthesize({ ...deploy, account: '111122223333', source });
  });

  test('lets exactly those that open it read the objects, keep an index and remember which they are', () => {
    const opening = cloud.ofType('AWS::Lambda::Function').filter(({ Properties }) => {
      const { Variables = {} } = (Properties['Environment'] ?? {}) as { readonly Variables?: object };
      return Object.hasOwn(Variables, 'SOURCE');
    });
    const policies = cloud
      .ofType('AWS::IAM::Policy')
      .map(({ Properties }) => JSON.stringify(Properties['PolicyDocument']));
    const reading = policies.filter((policy) => policy.includes(':s3:::flat-export/2024/*'));

    expect(opening.length).toBeGreaterThan(5);
    expect(reading).toHaveLength(opening.length);
    for (const policy of reading) {
      expect(policy).toContain('/source-index/*');
      expect(policy).toContain('"dynamodb:LeadingKeys":["source-files"]');
    }
    expect(policies.filter((policy) => policy.includes('/source-index/*'))).toHaveLength(opening.length);
    const [first] = opening;
    expect(JSON.stringify(first!.Properties['Environment'])).toContain('hal9-migrate-progress');
  });
});
