import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';

import { synthesize, type Synthesized } from './synthesized.ts';

const source = { kind: 'dynamodb', prefix: 'shop-' };

describe('a deployment whose flat store is DynamoDB tables', () => {
  let cloud: Synthesized;
  let policies: readonly string[];
  beforeAll(() => {
    const deploy = JSON.parse(readFileSync('hal9.deploy.json', 'utf8')) as object;
    cloud = synthesize({ ...deploy, account: '111122223333', source });
    policies = cloud
      .ofType('AWS::IAM::Policy')
      .map(({ Properties }) => JSON.stringify(Properties['PolicyDocument']));
  });
  const having = (...parts: readonly string[]): readonly string[] =>
    policies.filter((policy) => parts.every((part) => policy.includes(part)));

  test('lets exactly those that open it read its tables and their streams, and move the log on', () => {
    const opening = cloud.ofType('AWS::Lambda::Function').filter(({ Properties }) => {
      const { Variables = {} } = (Properties['Environment'] ?? {}) as { readonly Variables?: object };
      return JSON.stringify(Variables).includes('shop-');
    });

    expect(opening.length).toBeGreaterThan(5);
    expect(having(':table/shop-users')).toHaveLength(opening.length);
    expect(having(':table/shop-users/stream/*')).toHaveLength(opening.length);
    expect(having(':table/shop-_mig_log')).toHaveLength(opening.length);
  });

  test('names each table, and lets one function alone make the log', () => {
    expect(having(':table/shop-*')).toEqual([]);
    expect(having('dynamodb:CreateTable')).toHaveLength(1);
    expect(having('dynamodb:*')).toEqual([]);
  });
});
