import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';

import { listed, synthesize, type Resource, type Synthesized } from './synthesized.ts';

const secretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:flat-AbCdEf';
const source = {
  kind: 'postgres',
  host: 'flat.cluster-x.us-east-1.rds.amazonaws.com',
  database: 'hal9',
  secretArn,
  network: {
    vpcId: 'vpc-0a1b2c3d',
    subnetIds: ['subnet-0a1b2c3d', 'subnet-0b1b2c3d'],
    securityGroupIds: ['sg-0a1b2c3d'],
  },
};

describe('a deployment whose flat store is PostgreSQL', () => {
  let cloud: Synthesized;
  let opening: readonly Resource[];
  let others: readonly Resource[];
  beforeAll(() => {
    const deploy = JSON.parse(readFileSync('hal9.deploy.json', 'utf8')) as object;
    cloud = synthesize({ ...deploy, account: '111122223333', source });
    const functions = cloud.ofType('AWS::Lambda::Function').filter(({ stack }) => stack === 'Hal9Control');
    opening = functions.filter(opens);
    others = functions.filter((one) => !opens(one));
  });

  test('puts the functions that open it, and only these, into its network', () => {
    expect(opening.length).toBeGreaterThan(5);
    for (const { Properties } of opening) {
      expect(Properties['VpcConfig']).toEqual({
        SubnetIds: ['subnet-0a1b2c3d', 'subnet-0b1b2c3d'],
        SecurityGroupIds: ['sg-0a1b2c3d'],
      });
    }
    expect(others.length).toBeGreaterThan(5);
    for (const { Properties } of others) expect(Properties['VpcConfig']).toBeUndefined();
  });

  test('lets them, and only them, read its secret and make network interfaces', () => {
    const roles = opening
      .map(({ Properties }) => {
        const [role] = (Properties['Role'] as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'];
        return JSON.stringify({ Ref: role });
      })
      .toSorted();

    expect(rolesWith(cloud, 'secretsmanager:GetSecretValue')).toEqual(roles);
    expect(rolesWith(cloud, 'ec2:CreateNetworkInterface')).toEqual(roles);
  });

  test('tells them where it is, and nobody a password', () => {
    for (const { Properties } of opening) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };
      expect(JSON.parse(Variables['SOURCE']!)).toEqual(source);
    }
  });
});

const namesOf = (cloud: Synthesized): readonly unknown[] =>
  cloud.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties['AlarmName']);

test('only a deployment over PostgreSQL has an alarm about the log that the server keeps', () => {
  const deploy = JSON.parse(readFileSync('hal9.deploy.json', 'utf8')) as object;

  const name = 'hal9-migrate-replication-slot';
  expect(namesOf(synthesize({ ...deploy, account: '111122223333', source }))).toContain(name);
  expect(namesOf(synthesize(deploy))).not.toContain(name);
});

/** The roles whose own policies allow an action. */
function rolesWith(cloud: Synthesized, action: string): readonly string[] {
  return cloud
    .ofType('AWS::IAM::Policy')
    .filter(({ Properties }) => JSON.stringify(Properties['PolicyDocument']).includes(`"${action}"`))
    .flatMap(({ Properties }) => listed(Properties['Roles']).map((role) => JSON.stringify(role)))
    .toSorted();
}

function opens({ Properties }: Resource): boolean {
  const { Variables = {} } = (Properties['Environment'] ?? {}) as { readonly Variables?: object };
  return Object.hasOwn(Variables, 'SOURCE');
}
