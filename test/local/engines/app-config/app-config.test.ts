import {
  AppConfigClient,
  BadRequestException,
  ConflictException,
  CreateApplicationCommand,
  CreateConfigurationProfileCommand,
  CreateDeploymentStrategyCommand,
  CreateEnvironmentCommand,
  CreateExtensionAssociationCommand,
  CreateExtensionCommand,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetEnvironmentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  ResourceNotFoundException,
  StartDeploymentCommand,
  StopDeploymentCommand,
  ValidateConfigurationCommand,
} from '@aws-sdk/client-appconfig';
import {
  AppConfigDataClient,
  BadRequestException as DataBadRequestException,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { expect, test, vi } from 'vitest';

import { echo, runEngines } from '../running-engines.ts';

const schema = JSON.stringify({ type: 'object', properties: { percent: { type: 'integer', maximum: 100 } } });
const validator = { Type: 'JSON_SCHEMA' as const, Content: schema };

/** Created by the SDK client, with a strategy of the given minutes. */
async function createFlags(minutes: { duration: number; bake: number } = { duration: 0, bake: 0 }) {
  const client = new AppConfigClient({ maxAttempts: 1 });
  const application = await client.send(new CreateApplicationCommand({ Name: 'flags' }));
  const ApplicationId = application.Id!;
  const environment = await client.send(
    new CreateEnvironmentCommand({
      ApplicationId,
      Name: 'live',
      Monitors: [{ AlarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:error-rate' }],
    }),
  );
  const profile = await client.send(
    new CreateConfigurationProfileCommand({
      ApplicationId,
      Name: 'routing',
      LocationUri: 'hosted',
      Validators: [validator],
    }),
  );
  const strategy = await client.send(
    new CreateDeploymentStrategyCommand({
      Name: 'gradual',
      DeploymentDurationInMinutes: minutes.duration,
      GrowthFactor: 50,
      FinalBakeTimeInMinutes: minutes.bake,
      ReplicateTo: 'NONE',
    }),
  );
  const at = { ApplicationId, EnvironmentId: environment.Id! };
  const hosted = { ApplicationId, ConfigurationProfileId: profile.Id! };

  return {
    client,
    at,
    hosted,
    async write(content: unknown, latest?: number): Promise<string> {
      const version = await client.send(
        new CreateHostedConfigurationVersionCommand({
          ...hosted,
          Content: Buffer.from(JSON.stringify(content)),
          ContentType: 'application/json',
          Description: 'a reason',
          ...(latest !== undefined && { LatestVersionNumber: latest }),
        }),
      );
      return String(version.VersionNumber);
    },
    deploy: (version: string, latest?: number) =>
      client.send(
        new StartDeploymentCommand({
          ...at,
          ConfigurationProfileId: profile.Id!,
          DeploymentStrategyId: strategy.Id!,
          ConfigurationVersion: version,
          ...(latest !== undefined && { LatestDeploymentNumber: latest }),
        }),
      ),
    deployment: (DeploymentNumber: number) =>
      client.send(new GetDeploymentCommand({ ...at, DeploymentNumber })),
  };
}

async function startSession(client: AppConfigDataClient): Promise<string> {
  const session = await client.send(
    new StartConfigurationSessionCommand({
      ApplicationIdentifier: 'flags',
      EnvironmentIdentifier: 'live',
      ConfigurationProfileIdentifier: 'routing',
      RequiredMinimumPollIntervalInSeconds: 15,
    }),
  );
  return session.InitialConfigurationToken!;
}

async function readFresh(client: AppConfigDataClient): Promise<unknown> {
  const answer = await client.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: await startSession(client) }),
  );
  return JSON.parse(answer.Configuration!.transformToString());
}

test('a version is deployed at once and read by a session, which then sees changes only', async () => {
  await runEngines();
  const flags = await createFlags();
  const data = new AppConfigDataClient({ maxAttempts: 1 });

  const started = await flags.deploy(await flags.write({ percent: 5 }));
  const token = await startSession(data);
  const first = await data.send(new GetLatestConfigurationCommand({ ConfigurationToken: token }));
  const same = await data.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: first.NextPollConfigurationToken! }),
  );
  await flags.deploy(await flags.write({ percent: 10 }));
  const changed = await data.send(
    new GetLatestConfigurationCommand({ ConfigurationToken: same.NextPollConfigurationToken! }),
  );

  expect(started).toMatchObject({ DeploymentNumber: 1, State: 'DEPLOYING', ConfigurationVersion: '1' });
  expect(first).toMatchObject({ ContentType: 'application/json', NextPollIntervalInSeconds: 15 });
  expect(first.Configuration!.transformToString()).toBe('{"percent":5}');
  expect(same.Configuration?.transformToString() ?? '').toBe('');
  expect(changed.Configuration!.transformToString()).toBe('{"percent":10}');
  await expect(data.send(new GetLatestConfigurationCommand({ ConfigurationToken: token }))).rejects.toThrow(
    DataBadRequestException,
  );
});

test('versions and deployments are listed newest first, with their events', async () => {
  await runEngines();
  const flags = await createFlags();

  await flags.deploy(await flags.write({ percent: 1 }));
  await flags.deploy(await flags.write({ percent: 2 }));
  const versions = await flags.client.send(new ListHostedConfigurationVersionsCommand(flags.hosted));
  const deployments = await flags.client.send(new ListDeploymentsCommand({ ...flags.at, MaxResults: 1 }));
  const version = await flags.client.send(
    new GetHostedConfigurationVersionCommand({ ...flags.hosted, VersionNumber: 1 }),
  );
  const deployment = await flags.deployment(2);

  expect(versions.Items?.map((item) => item.VersionNumber)).toEqual([2, 1]);
  expect(deployments.Items).toMatchObject([
    { DeploymentNumber: 2, State: 'COMPLETE', ConfigurationVersion: '2' },
  ]);
  expect(deployments.NextToken).toBeDefined();
  expect(Buffer.from(version.Content!).toString()).toBe('{"percent":1}');
  expect(version).toMatchObject({
    VersionNumber: 1,
    ContentType: 'application/json',
    Description: 'a reason',
  });
  expect(deployment.EventLog?.map((event) => event.EventType)).toEqual([
    'DEPLOYMENT_COMPLETED',
    'PERCENTAGE_UPDATED',
    'DEPLOYMENT_STARTED',
  ]);
  expect(deployment.CompletedAt).toBeInstanceOf(Date);
});

test('a version made on an older one than the latest is refused', async () => {
  await runEngines();
  const flags = await createFlags();

  await flags.write({ percent: 1 }, 0);

  await expect(flags.write({ percent: 2 }, 0)).rejects.toThrow(ConflictException);
  await expect(flags.write({ percent: 2 }, 1)).resolves.toBe('2');
});

test('a document that breaks the schema is not deployed', async () => {
  await runEngines();
  const flags = await createFlags();
  const version = await flags.write({ percent: 101 });
  const validate = flags.client.send(
    new ValidateConfigurationCommand({ ...flags.hosted, ConfigurationVersion: version }),
  );

  await expect(validate).rejects.toThrow(BadRequestException);
  await expect(flags.deploy(version)).rejects.toMatchObject({
    name: 'BadRequestException',
    Reason: 'InvalidConfiguration',
    Details: { InvalidConfiguration: [{ Type: 'JSON_SCHEMA', Location: '/percent' }] },
  });
  await expect(flags.deployment(1)).rejects.toThrow(ResourceNotFoundException);
});

test('a second deployment is refused while one is under way, also one on an outdated number', async () => {
  await runEngines();
  const flags = await createFlags({ duration: 10, bake: 0 });
  const version = await flags.write({ percent: 1 });

  const together = await Promise.allSettled([flags.deploy(version), flags.deploy(version)]);
  const refused = together.filter((each) => each.status === 'rejected');
  await flags.client.send(new StopDeploymentCommand({ ...flags.at, DeploymentNumber: 1 }));

  expect(refused).toHaveLength(1);
  expect(refused[0]?.reason).toBeInstanceOf(ConflictException);
  await expect(flags.deploy(version, 0)).rejects.toThrow(ConflictException);
  await expect(flags.deploy(version, 1)).resolves.toMatchObject({ DeploymentNumber: 2 });
});

test('a gradual deployment reaches some of its callers first', async () => {
  const engines = await runEngines();
  const flags = await createFlags({ duration: 10, bake: 0 });
  const data = new AppConfigDataClient();
  const { ApplicationId: applicationId, EnvironmentId: environmentId } = flags.at;
  const profileId = flags.hosted.ConfigurationProfileId;
  const content = JSON.stringify({ percent: 1 });
  engines.appConfig.ensureFirstVersion({
    applicationId,
    environmentId,
    profileId,
    content,
    contentType: 'text/json',
  });

  const { DeploymentNumber = 0 } = await flags.deploy(await flags.write({ percent: 2 }));
  const halfway = await Promise.all(Array.from({ length: 60 }, () => readFresh(data)));
  await flags.client.send(new StopDeploymentCommand({ ...flags.at, DeploymentNumber }));
  const stopped = await Promise.all(Array.from({ length: 10 }, () => readFresh(data)));

  expect(new Set(halfway.map((each) => JSON.stringify(each)))).toEqual(
    new Set(['{"percent":1}', '{"percent":2}']),
  );
  expect(new Set(stopped.map((each) => JSON.stringify(each)))).toEqual(new Set(['{"percent":1}']));
});

test('a gradual deployment climbs, bakes and completes in the time of the virtual clock', async () => {
  await runEngines({}, { timeScale: 6000 });
  const flags = await createFlags({ duration: 4, bake: 2 });

  await flags.deploy(await flags.write({ percent: 2 }));
  await vi.waitFor(async () => expect((await flags.deployment(1)).State).toBe('COMPLETE'));
  const done = await flags.deployment(1);

  expect(await readFresh(new AppConfigDataClient())).toEqual({ percent: 2 });
  expect(done.EventLog?.map((event) => event.EventType).toReversed()).toEqual([
    'DEPLOYMENT_STARTED',
    'PERCENTAGE_UPDATED',
    'PERCENTAGE_UPDATED',
    'BAKE_TIME_STARTED',
    'DEPLOYMENT_COMPLETED',
  ]);
  expect(done.CompletedAt!.getTime() - done.StartedAt!.getTime()).toBeGreaterThanOrEqual(6 * 60_000);
});

test('an alarm of the environment rolls back what is under way', async () => {
  const engines = await runEngines({}, { alarmTickMs: 1_000_000 });
  const flags = await createFlags({ duration: 0, bake: 10 });
  await flags.deploy(await flags.write({ percent: 1 }));
  engines.alarms.ensureAlarm({
    AlarmName: 'error-rate',
    Namespace: 'N',
    MetricName: 'Errors',
    Statistic: 'Sum',
    Period: 10,
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
  });

  const baking = await flags.client.send(new GetEnvironmentCommand(flags.at));
  engines.metrics.put({ namespace: 'N', name: 'Errors', value: 1, timestampMs: Date.now() - 10_000 });
  await engines.alarms.evaluate();
  const deployment = await flags.deployment(1);

  expect(baking.State).toBe('DEPLOYING');
  expect(deployment).toMatchObject({ State: 'ROLLED_BACK', PercentageComplete: 0 });
  expect(deployment.EventLog?.[0]).toMatchObject({
    EventType: 'ROLLBACK_COMPLETED',
    TriggeredBy: 'CLOUDWATCH_ALARM',
  });
});

test('a completed deployment is reverted only when that is allowed', async () => {
  await runEngines();
  const flags = await createFlags();
  const data = new AppConfigDataClient();
  await flags.deploy(await flags.write({ percent: 1 }));
  await flags.deploy(await flags.write({ percent: 2 }));
  const stop = (AllowRevert: boolean) =>
    flags.client.send(new StopDeploymentCommand({ ...flags.at, DeploymentNumber: 2, AllowRevert }));

  await expect(stop(false)).rejects.toThrow(BadRequestException);
  await expect(stop(true)).resolves.toMatchObject({ State: 'REVERTED' });
  expect(await readFresh(data)).toEqual({ percent: 1 });
});

test('an extension is told of every stage of a deployment', async () => {
  const engines = await runEngines({ 'publish-routes': echo });
  const flags = await createFlags();
  const Uri = 'arn:aws:lambda:us-east-1:000000000000:function:publish-routes';
  const action = [{ Name: 'publish', Uri, RoleArn: 'arn:aws:iam::000000000000:role/r' }];
  const extension = await flags.client.send(
    new CreateExtensionCommand({
      Name: 'publish',
      Actions: {
        ON_DEPLOYMENT_START: action,
        ON_DEPLOYMENT_COMPLETE: action,
        ON_DEPLOYMENT_ROLLED_BACK: action,
      },
    }),
  );
  await flags.client.send(
    new CreateExtensionAssociationCommand({
      ExtensionIdentifier: extension.Id!,
      ResourceIdentifier: engines.appConfig.environmentArn(flags.at.ApplicationId, flags.at.EnvironmentId),
      Parameters: { store: 'routes' },
    }),
  );

  await flags.deploy(await flags.write({ percent: 1 }));
  await flags.client.send(new StopDeploymentCommand({ ...flags.at, DeploymentNumber: 1, AllowRevert: true }));

  expect(engines.invocations).toMatchObject(
    ['OnDeploymentStart', 'OnDeploymentComplete', 'OnDeploymentRolledBack'].map((Type) => ({
      name: 'publish-routes',
      payload: {
        Type,
        Parameters: { store: 'routes' },
        Application: { Id: flags.at.ApplicationId },
        Environment: { Id: flags.at.EnvironmentId },
        ConfigurationProfile: { Id: flags.hosted.ConfigurationProfileId, Name: 'routing' },
        DeploymentNumber: 1,
        ConfigurationVersion: '1',
      },
    })),
  );
});

test('a function that validates or that is asked before a deployment can refuse it', async () => {
  const engines = await runEngines({
    judge: () => ({ kind: 'failed', errorType: 'Refused', errorMessage: 'not on a Friday', trace: [] }),
  });
  const flags = await createFlags();
  const version = await flags.write({ percent: 1 });
  const { ApplicationId } = flags.at;
  const Uri = 'arn:aws:lambda:us-east-1:000000000000:function:judge';

  engines.appConfig.ensureProfile(ApplicationId, {
    name: 'routing',
    validators: [{ Type: 'LAMBDA', Content: Uri }],
  });
  const byValidator = flags.deploy(version);
  await expect(byValidator).rejects.toThrow('not on a Friday');
  engines.appConfig.ensureProfile(ApplicationId, { name: 'routing', validators: [] });
  const extension = engines.appConfig.ensureExtension('gate', {
    PRE_START_DEPLOYMENT: [{ Name: 'gate', Uri }],
  });
  engines.appConfig.ensureAssociation(extension, engines.appConfig.applicationArn(ApplicationId));

  await expect(flags.deploy(version)).rejects.toThrow(BadRequestException);
  expect(engines.invocations.map((each) => each.payload)).toMatchObject([
    { configurationVersion: '1', content: Buffer.from('{"percent":1}').toString('base64') },
    { Type: 'PreStartDeployment', Content: Buffer.from('{"percent":1}').toString('base64') },
  ]);
});
