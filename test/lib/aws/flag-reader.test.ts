import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';

import { makeFlagReader, readDeployedFlags } from '../../../lib/aws/flag-reader.ts';
import { defaultFlagsDocument, formatFlagsDocument } from '../../../lib/flags/document.ts';

const location = { application: 'a', environment: 'e', profile: 'p' };
const deployed = formatFlagsDocument({ ...defaultFlagsDocument, trafficThousandths: 7 });

test('flags are fetched once in 15 seconds and kept when nothing has changed', async () => {
  const { reader, cloud, clock } = makeReader();
  cloud.content = deployed;

  expect((await reader.read())?.trafficThousandths).toBe(7);
  cloud.content = '';
  clock.now = 14_999;
  await reader.read();
  clock.now = 15_000;

  expect((await reader.read())?.trafficThousandths).toBe(7);
  expect(cloud.calls).toEqual(['start', 'next t0', 'next t1']);
});

test('flags are asked for again when AppConfig says so', async () => {
  const { reader, cloud, clock } = makeReader();
  cloud.content = deployed;
  cloud.pollSeconds = 3;

  await reader.read();
  clock.now = 2_999;
  await reader.read();
  expect(cloud.calls).toHaveLength(2);
  clock.now = 3_000;
  await reader.read();

  expect(cloud.calls).toEqual(['start', 'next t0', 'next t1']);
});

test('flags stay as they were while AppConfig fails or hands out something unreadable', async () => {
  const { reader, cloud, clock } = makeReader();
  cloud.content = deployed;
  await reader.read();

  for (const content of ['fail', '{"schemaVersion":1}', 'fail']) {
    cloud.content = content;
    clock.now += 20_000;
    expect((await reader.read())?.trafficThousandths).toBe(7);
  }
});

test('flags are null as long as there never were any', async () => {
  const { reader, cloud } = makeReader();
  cloud.content = 'fail';

  expect(await reader.read()).toBeNull();
});

test('what is deployed is null when nothing is, and refused when it is unreadable', async () => {
  const { client, cloud } = makeReader();

  expect(await readDeployedFlags(client, location)).toBeNull();
  cloud.content = '{}';
  await expect(readDeployedFlags(client, location)).rejects.toMatchObject({ name: 'FlagsInvalid' });
});

function makeReader() {
  const cloud = { content: '', calls: [] as string[], pollSeconds: 15 };
  const clock = { now: 0, nowMs: () => clock.now };
  const client = new AppConfigDataClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  mock.on(StartConfigurationSessionCommand).callsFake(() => {
    cloud.calls.push('start');
    return { InitialConfigurationToken: 't0' };
  });
  mock.on(GetLatestConfigurationCommand).callsFake((input: { ConfigurationToken: string }) => {
    cloud.calls.push(`next ${input.ConfigurationToken}`);
    if (cloud.content === 'fail') throw new Error('unavailable');
    const transformToString = () => cloud.content;
    return {
      NextPollConfigurationToken: 't1',
      NextPollIntervalInSeconds: cloud.pollSeconds,
      Configuration: { transformToString },
    };
  });
  return { client, cloud, clock, reader: makeFlagReader({ client, location, clock }) };
}
