import { writeFileSync } from 'node:fs';

import { DescribeKeyValueStoreCommand, PutKeyCommand } from '@aws-sdk/client-cloudfront-keyvaluestore';
import { expect, test } from 'vitest';

import { makeRouteStoreClient } from '../../../lib/aws/route-store-client.ts';
import { startEngines } from '../../../local/engines/start-engines.ts';
import { runEngines, temporaryFile } from './running-engines.ts';

const alarm = {
  AlarmName: 'high',
  Namespace: 'N',
  MetricName: 'M',
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'ignore',
};

test('a cloud that comes back has the same flags, routes, alarm states and time, and the same ids', async () => {
  const stateFile = temporaryFile('deep/state.json');
  const declare = async () => {
    const engines = await runEngines({}, { stateFile, alarmTickMs: 1_000_000 });
    const applicationId = engines.appConfig.ensureApplication('flags');
    const environmentId = engines.appConfig.ensureEnvironment(applicationId, 'live', []);
    const profileId = engines.appConfig.ensureProfile(applicationId, { name: 'routing', validators: [] });
    const arns = [
      engines.keyValues.ensureStore('routes', { routes: 'flat' }),
      engines.alarms.ensureAlarm(alarm),
    ];
    return { engines, target: { applicationId, environmentId, profileId }, arns };
  };
  const first = await declare();
  first.engines.appConfig.ensureFirstVersion({
    ...first.target,
    content: '"kept"',
    contentType: 'application/json',
  });
  first.engines.metrics.put({ namespace: 'N', name: 'M', value: 1, timestampMs: Date.now() - 60_000 });
  await first.engines.alarms.evaluate();
  first.engines.clock.jumpTo(Date.now() + 5 * 86_400_000);
  await first.engines.close();

  const second = await declare();
  second.engines.appConfig.ensureFirstVersion({
    ...second.target,
    content: '"new"',
    contentType: 'application/json',
  });

  expect(second.target).toEqual(first.target);
  expect(second.arns).toEqual(first.arns);
  expect(second.engines.appConfig.deployedContent('flags', 'live', 'routing')).toBe('"kept"');
  expect(second.engines.keyValues.get('routes', 'routes')).toBe('flat');
  expect(second.engines.alarms.stateOf('high')).toBe('ALARM');
  expect(second.engines.clock.nowMs()).toBeGreaterThan(Date.now() + 4 * 86_400_000);
});

test('what was acknowledged is there after a kill', async () => {
  const stateFile = temporaryFile('state.json');
  const killed = await runEngines({}, { stateFile });
  const KvsARN = killed.keyValues.ensureStore('routes', { routes: 'flat' });
  const client = makeRouteStoreClient();
  const { ETag: IfMatch } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN }));

  await client.send(new PutKeyCommand({ KvsARN, Key: 'routes', Value: 'hierarchical', IfMatch }));
  const successor = await runEngines({}, { stateFile });

  expect(successor.keyValues.get(KvsARN, 'routes')).toBe('hierarchical');
});

test('a state file that is not one is named in the error', async () => {
  const stateFile = temporaryFile('state.json');
  writeFileSync(stateFile, '{"half":');
  const functions = { invoke: () => Promise.resolve({ kind: 'missing' as const }), list: () => [] };

  await expect(startEngines({ functions, stateFile })).rejects.toMatchObject({
    name: 'StateFileUnreadable',
    facts: { file: stateFile },
  });
});
