import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

import { exitCodes } from '../../lib/kernel/errors.ts';
import { alarmDefinitions } from '../../lib/monitoring/alarm-definitions.ts';
import { profiles } from '../../lib/orchestrator/profiles.ts';
import { synthesize } from './synthesized.ts';

const directory = mkdtempSync(join(tmpdir(), 'hal9-deployments-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const acme = {
  account: '111122223333',
  origins: {
    flat: { domainName: 'old.acme.example', port: 8080, protocol: 'http' },
    hierarchical: { domainName: 'new.acme.example', port: 443, protocol: 'https' },
  },
  domain: {
    names: ['www.acme.example', 'acme.example'],
    certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
  },
  source: { kind: 'sqlite', path: '/data/flat.sqlite' },
  contacts: { oncall: 'night@acme.example' },
  workers: { migrateConcurrency: 8 },
} as const;

describe('another deployment', () => {
  test.each([
    { name: 'acme-2', region: 'us-east-1', profile: 'conservative' },
    { name: 'brains', region: 'eu-west-1', profile: 'summary' },
  ] as const)('$name in $region with its own domain synthesizes without findings', (variant) => {
    const app = synthesize({ ...acme, ...variant });

    const regions = Object.entries(app.environments).map(([stack, environment]) => [
      stack.replace(/^.*?(?=State|Control|Edge|Monitoring)/, ''),
      environment,
    ]);
    expect(Object.fromEntries(regions)).toEqual({
      State: `aws://111122223333/${variant.region}`,
      Control: `aws://111122223333/${variant.region}`,
      Monitoring: `aws://111122223333/${variant.region}`,
      Edge: 'aws://111122223333/us-east-1',
    });
    const named = JSON.stringify(app.resources);
    expect(named).not.toMatch(/hal9-migrate-/);
    expect(named).toContain(`${variant.name}-migrate-state`);
    expect(app.ofType('AWS::CloudWatch::Alarm')).toHaveLength(
      alarmDefinitions(profiles[variant.profile], 'sqlite').length,
    );
    expect(app.ofType('AWS::CloudFront::Distribution')[0]?.Properties['DistributionConfig']).toMatchObject({
      Aliases: acme.domain.names,
      ViewerCertificate: { AcmCertificateArn: acme.domain.certificateArn },
    });
  });
});

describe('npm run synth', () => {
  test.each([
    ['a deploy file that is not there', undefined, /There is no deploy file at .*absent\.json/],
    ['a deploy file that is no JSON', '{"name":', /is not valid: it is no JSON/],
    [
      'a deploy file with several faults',
      JSON.stringify({ ...acme, name: 'Acme', region: 'moon', profile: 'guide', surprise: 1 }),
      /"name" must .*"region" must .*"surprise"/,
    ],
  ])('refuses %s and names a remedy', (name, text, message) => {
    const deployFile = join(directory, text === undefined ? 'absent.json' : `${name.length}.json`);
    if (text !== undefined) writeFileSync(deployFile, text);

    const { status, stderr, stdout } = spawnSync(process.execPath, ['cdk/synth.ts'], {
      encoding: 'utf8',
      env: { ...process.env, HAL9_DEPLOY_FILE: deployFile },
    });

    expect([status, stdout]).toEqual([exitCodes.usage, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^Error: .*\nRemedy: .*docs\/concepts\/deploy-file\.md.*\n$/s);
  });
});
