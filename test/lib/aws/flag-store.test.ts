import {
  AppConfigClient,
  ConflictException,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetHostedConfigurationVersionCommand,
  ListApplicationsCommand,
  ListConfigurationProfilesCommand,
  ListDeploymentStrategiesCommand,
  ListDeploymentsCommand,
  ListEnvironmentsCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
  StopDeploymentCommand,
  type DeploymentState,
} from '@aws-sdk/client-appconfig';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';

import { findFlagAddress } from '../../../lib/aws/flag-address.ts';
import { makeFlagStore } from '../../../lib/aws/flag-store.ts';
import { defaultFlagsDocument, formatFlagsDocument } from '../../../lib/flags/document.ts';
import { applyRollback, setTraffic } from '../../../lib/flags/edit.ts';

const stamp = { updatedBy: 'test', atMs: 0, reason: 'test' };
const rampUp = setTraffic(5_000, stamp);
const rollback = applyRollback({ trafficThousandths: 0, killSwitch: true }, stamp);

describe('flags in AppConfig', () => {
  test('are read from the newest deployment that is in force', async () => {
    const { store, cloud } = makeCloud();
    cloud.addVersion(formatFlagsDocument(setTraffic(90_000, stamp)(defaultFlagsDocument)));
    cloud.deployments.push({ version: 2, states: ['ROLLED_BACK'] });

    expect(await store.readFlags()).toEqual({
      document: defaultFlagsDocument,
      version: 1,
      deploymentNumber: 1,
    });
  });

  test('that were never deployed are reported as missing', async () => {
    const { store, cloud } = makeCloud();
    cloud.deployments.length = 0;

    await expect(store.readFlags()).rejects.toMatchObject({ name: 'FlagsMissing' });
  });

  test('are in force when a write returns', async () => {
    const { store, cloud } = makeCloud();
    cloud.nextStates = ['DEPLOYING', 'DEPLOYING', 'COMPLETE'];

    const outcome = await store.writeFlags({ edit: rampUp, expectedRoutingEpoch: 0 });

    expect(outcome).toMatchObject({ kind: 'deployed', flags: { version: 2, deploymentNumber: 2 } });
    expect((await store.readFlags()).document.trafficThousandths).toBe(5_000);
  });

  test('are not deployed again when the edit changes nothing', async () => {
    const { store, cloud } = makeCloud();

    expect(await store.writeFlags({ edit: setTraffic(0, stamp) })).toMatchObject({ kind: 'unchanged' });
    expect(cloud.versions).toHaveLength(1);
  });

  test('refuse a late ramp-up after a rollback', async () => {
    const { store } = makeCloud();
    await store.writeFlags({ edit: rollback });

    const outcome = await store.writeFlags({ edit: rampUp, expectedRoutingEpoch: 0 });

    expect(outcome).toEqual({ kind: 'epoch-moved', routingEpoch: 1 });
    expect((await store.readFlags()).document).toMatchObject({ trafficThousandths: 0, killSwitch: true });
  });

  test('refuse a ramp-up that a rollback overtakes between its look and its deployment', async () => {
    const { store, cloud } = makeCloud();
    cloud.beforeStart = async () => {
      cloud.beforeStart = undefined;
      await store.writeFlags({ edit: rollback, urgent: true });
    };

    const outcome = await store.writeFlags({ edit: rampUp, expectedRoutingEpoch: 0 });

    expect(outcome).toEqual({ kind: 'epoch-moved', routingEpoch: 1 });
    expect((await store.readFlags()).document).toMatchObject({ trafficThousandths: 0, killSwitch: true });
  });

  test('wait for a deployment that is under way, and edit what it deployed', async () => {
    const { store, cloud } = makeCloud();
    cloud.addVersion(
      formatFlagsDocument({
        ...defaultFlagsDocument,
        features: { meta_learning: { enabled: true, thousandths: 1 } },
      }),
    );
    cloud.deployments.push({ version: 2, states: ['DEPLOYING', 'DEPLOYING', 'COMPLETE'] });

    const outcome = await store.writeFlags({ edit: rampUp });

    expect(outcome).toMatchObject({ kind: 'deployed' });
    expect((await store.readFlags()).document).toMatchObject({
      trafficThousandths: 5_000,
      features: { meta_learning: { enabled: true } },
    });
  });

  test('stop a deployment that is under way when the write is urgent', async () => {
    const { store, cloud } = makeCloud();
    cloud.addVersion(formatFlagsDocument(rampUp(defaultFlagsDocument)));
    cloud.deployments.push({ version: 2, states: ['DEPLOYING'] });

    const outcome = await store.writeFlags({ edit: rollback, urgent: true });

    expect(outcome).toMatchObject({ kind: 'deployed', flags: { deploymentNumber: 3 } });
    expect(cloud.deployments[1]!.states).toEqual(['ROLLED_BACK']);
  });

  test('report a deployment that AppConfig takes back', async () => {
    const { store, cloud } = makeCloud();
    cloud.nextStates = ['DEPLOYING', 'ROLLING_BACK', 'ROLLED_BACK'];

    expect(await store.writeFlags({ edit: rampUp })).toEqual({ kind: 'rolled-back', deploymentNumber: 2 });
  });

  test('give up at the deadline and say how long they waited', async () => {
    const { store, cloud } = makeCloud();
    cloud.nextStates = ['DEPLOYING'];

    expect(await store.writeFlags({ edit: rampUp })).toEqual({ kind: 'timed-out', waitedMs: 30_000 });
  });
});

describe('the address of the flags', () => {
  const names = {
    application: 'hal9-migrate-flags',
    environment: 'live',
    profile: 'routing',
    strategy: 'immediate',
  };

  test('is found by names, over several pages', async () => {
    const client = new AppConfigClient({ region: 'eu-west-1' });
    const mock = mockClient(client);
    mock
      .on(ListApplicationsCommand, { NextToken: undefined })
      .resolves({ Items: [{ Id: 'x', Name: 'other' }], NextToken: '2' });
    mock
      .on(ListApplicationsCommand, { NextToken: '2' })
      .resolves({ Items: [{ Id: 'app', Name: names.application }] });
    mock.on(ListEnvironmentsCommand).resolves({ Items: [{ Id: 'env', Name: 'live' }] });
    mock.on(ListConfigurationProfilesCommand).resolves({ Items: [{ Id: 'pro', Name: 'routing' }] });
    mock.on(ListDeploymentStrategiesCommand).resolves({ Items: [{ Id: 'str', Name: 'immediate' }] });

    expect(await findFlagAddress(client, names)).toEqual({
      application: 'app',
      environment: 'env',
      profile: 'pro',
      strategy: 'str',
    });
  });

  test('that is not there is an error with the name', async () => {
    const client = new AppConfigClient({ region: 'eu-west-1' });
    mockClient(client).on(ListApplicationsCommand).resolves({ Items: [] });

    await expect(findFlagAddress(client, names)).rejects.toMatchObject({
      name: 'FlagsNotDeployed',
      message: 'AppConfig has no application "hal9-migrate-flags".',
    });
  });
});

interface Deployment {
  readonly version: number;
  /** The state moves on by one with every look, and stays at the last. */
  states: DeploymentState[];
}

function look(deployment: Deployment): DeploymentState {
  return deployment.states.length > 1 ? deployment.states.shift()! : deployment.states[0]!;
}

function conflict(): ConflictException {
  return new ConflictException({ message: 'conflict', $metadata: {} });
}

/** AppConfig's control plane with its two optimistic locks, behind the real client. */
function makeCloud() {
  const cloud = {
    versions: [formatFlagsDocument(defaultFlagsDocument)],
    deployments: [{ version: 1, states: ['COMPLETE'] }] as Deployment[],
    nextStates: ['COMPLETE'] as DeploymentState[],
    beforeStart: undefined as (() => Promise<void>) | undefined,
    addVersion: (content: string) => cloud.versions.push(content),
  };
  const client = new AppConfigClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  mock.on(ListDeploymentsCommand).callsFake(() => ({
    Items: cloud.deployments
      .map((each, index) => ({
        DeploymentNumber: index + 1,
        ConfigurationVersion: String(each.version),
        State: look(each),
      }))
      .toReversed(),
  }));
  mock.on(GetDeploymentCommand).callsFake((input: { DeploymentNumber: number }) => ({
    State: look(cloud.deployments[input.DeploymentNumber - 1]!),
  }));
  mock.on(ListHostedConfigurationVersionsCommand).callsFake(() => ({
    Items: cloud.versions.map((_content, index) => ({ VersionNumber: index + 1 })),
  }));
  mock.on(GetHostedConfigurationVersionCommand).callsFake((input: { VersionNumber: number }) => ({
    Content: new TextEncoder().encode(cloud.versions[input.VersionNumber - 1]),
  }));
  mock
    .on(CreateHostedConfigurationVersionCommand)
    .callsFake((input: { LatestVersionNumber: number; Content: Uint8Array }) => {
      if (input.LatestVersionNumber !== cloud.versions.length) throw conflict();
      cloud.versions.push(new TextDecoder().decode(input.Content));
      return { VersionNumber: cloud.versions.length };
    });
  mock
    .on(StartDeploymentCommand)
    .callsFake(async (input: { LatestDeploymentNumber: number; ConfigurationVersion: string }) => {
      await cloud.beforeStart?.();
      if (input.LatestDeploymentNumber !== cloud.deployments.length) throw conflict();
      cloud.deployments.push({ version: Number(input.ConfigurationVersion), states: [...cloud.nextStates] });
      return { DeploymentNumber: cloud.deployments.length };
    });
  mock.on(StopDeploymentCommand).callsFake((input: { DeploymentNumber: number }) => {
    cloud.deployments[input.DeploymentNumber - 1]!.states = ['ROLLED_BACK'];
    return {};
  });

  let nowMs = 0;
  const store = makeFlagStore({
    client,
    address: { application: 'app', environment: 'env', profile: 'pro', strategy: 'str' },
    clock: { nowMs: () => nowMs },
    sleeper: {
      sleep: async (durationMs) => {
        nowMs += durationMs;
      },
    },
  });
  return { store, cloud };
}
