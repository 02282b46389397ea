import validateDefinition from 'asl-validator';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { resourceNames } from '../../lib/kernel/resource-names.ts';
import { alarmDefinitions } from '../../lib/monitoring/alarm-definitions.ts';
import { profiles } from '../../lib/orchestrator/profiles.ts';
import { allowedStatements, wildcardsWithoutResources } from './policies.ts';
import { listed, rendered, synthesize } from './synthesized.ts';
import type { Resource } from './synthesized.ts';

const app = synthesize();
const names = resourceNames('hal9');

describe('what holds data', () => {
  /** Everything whose loss would lose state or evidence. A new one is entered here, with its protection, or the test fails. */
  const stateful = [
    ...Object.values(names.tables).map((name) => `AWS::DynamoDB::GlobalTable ${name}`),
    'AWS::S3::Bucket AccessLogs',
    'AWS::S3::Bucket BackupBucket',
  ];
  const storeTypes =
    /^AWS::(DynamoDB::(GlobalTable|Table)|S3::Bucket|RDS::.*|EFS::FileSystem|DocDB::.*|Timestream::.*)$/;
  const stores = app.resources.filter(({ Type }) => storeTypes.test(Type));

  test('is listed: no table or bucket comes or goes unseen', () => {
    expect(stores.map(nameOfStore).toSorted()).toEqual(stateful.toSorted());
  });

  test('stays when its stack is deleted or its resource is replaced', () => {
    for (const store of stores) {
      expect([nameOfStore(store), store.DeletionPolicy, store.UpdateReplacePolicy]).toEqual([
        nameOfStore(store),
        'Retain',
        'Retain',
      ]);
    }
  });

  test('is protected from deletion, encrypted, and can be restored to any second, when it is a table', () => {
    const tables = app.ofType('AWS::DynamoDB::GlobalTable');

    expect(tables).toHaveLength(Object.keys(names.tables).length);
    for (const { Properties } of tables) {
      expect(Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        SSESpecification: { SSEEnabled: true },
        Replicas: [
          {
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          },
        ],
      });
    }
  });

  test('keeps its versions, is encrypted and closed to the public, when it is a bucket', () => {
    for (const { Properties } of app.ofType('AWS::S3::Bucket')) {
      expect(Properties).toMatchObject({
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: { ServerSideEncryptionConfiguration: [{}] },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      });
    }
  });
});

describe('permissions', () => {
  test('name every action', () => {
    const actions = allowedStatements(app).flatMap((statement) => statement.actions);

    expect(actions.length).toBeGreaterThan(100);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('reach beyond named resources only where a finding was acknowledged', () => {
    for (const { stack, where, resources } of allowedStatements(app)) {
      const accepted = app.acknowledged(stack).map(({ id }) => /\[Resource::(.*)\]$/.exec(id)?.[1] ?? '');
      const wide = resources.filter((resource) => resource.includes('*'));
      expect([where, wide.filter((resource) => !accepted.includes(resource))]).toEqual([where, []]);
    }
  });

  test('use the bare * only for actions that know no resources', () => {
    const bare = allowedStatements(app).filter(({ resources }) => resources.includes('*'));

    expect(bare.length).toBeGreaterThan(0);
    for (const { where, actions } of bare) {
      expect([where, actions.filter((action) => !wildcardsWithoutResources.has(action))]).toEqual([
        where,
        [],
      ]);
    }
  });

  test('let metrics be written in the namespace of the product only', () => {
    const writers = allowedStatements(app).filter(({ actions }) =>
      actions.includes('cloudwatch:PutMetricData'),
    );

    expect(writers.length).toBeGreaterThan(0);
    for (const { condition } of writers)
      expect(condition).toEqual({ StringEquals: { 'cloudwatch:namespace': 'Hal9Migrate' } });
  });

  test('every accepted finding says why', () => {
    const accepted = Object.keys(app.environments).flatMap((stack) => app.acknowledged(stack));

    expect(accepted.length).toBeGreaterThan(10);
    for (const { id, reason } of accepted) expect(`${id} ${reason}`).toMatch(/ .*\w+ \w+ \w+.*\.$/);
  });
});

describe('functions', () => {
  const folders = readdirSync('functions').filter((folder) => existsSync(`functions/${folder}/env.ts`));

  test('exist for every folder, and nothing else runs', () => {
    const deployed = [...app.ofType('AWS::Lambda::Function'), ...app.ofType('AWS::CloudFront::Function')].map(
      ({ Properties }) => rendered(Properties['FunctionName'] ?? Properties['Name']),
    );

    expect(deployed.toSorted()).toEqual(
      readdirSync('functions')
        .filter((folder) => existsSync(`functions/${folder}/main.ts`))
        .map((folder) => names.functionName(folder))
        .toSorted(),
    );
  });

  test.each(folders)('%s understands the environment that the template gives it', async (folder) => {
    const { parseEnv } = (await import(`../../functions/${folder}/env.ts`)) as {
      parseEnv: (source: Readonly<Record<string, string>>) => Readonly<Record<string, unknown>>;
    };
    const environment = functionOf(folder)?.Properties['Environment'] as { Variables: object } | undefined;
    const variables = Object.fromEntries(
      Object.entries(environment?.Variables ?? {}).map(([name, value]) => [name, rendered(value)]),
    );

    const parsed = parseEnv(variables);

    // Nothing is given in vain: what a function does not ask for tells that the two have drifted apart.
    expect(Object.keys(parsed).toSorted()).toEqual(Object.keys(variables).toSorted());
  });

  test('run on Node 24 on arm64, traced, with dead letters and a log that ends', () => {
    const own = folders.map(functionOf);

    for (const fn of own) {
      expect(fn?.Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
        DeadLetterConfig: { TargetArn: expect.anything() as unknown },
        LoggingConfig: { LogGroup: expect.anything() as unknown },
      });
    }
    for (const { Properties } of app.ofType('AWS::Logs::LogGroup'))
      expect(Properties['RetentionInDays']).toEqual(expect.any(Number));
  });
});

describe('queues', () => {
  const queues = app.ofType('AWS::SQS::Queue');

  test('set a message aside after five deliveries, in a queue of its own', () => {
    const working = queues.filter((queue) => !isDeadLetter(queue));
    const targets = working.map(({ stack, Properties }) => {
      const redrive = Properties['RedrivePolicy'] as {
        deadLetterTargetArn: unknown;
        maxReceiveCount: number;
      };
      expect(redrive.maxReceiveCount).toBe(5);
      return app.referenced(stack, redrive.deadLetterTargetArn);
    });

    expect(targets.every((target) => target !== undefined && isDeadLetter(target))).toBe(true);
    expect(new Set(targets).size).toBe(working.length);
  });

  test('hide a message for at least six times what its consumer may take', () => {
    const consumed = app.ofType('AWS::Lambda::EventSourceMapping').flatMap(({ stack, Properties }) => {
      const queue = app.referenced(stack, Properties['EventSourceArn']);
      const fn = app.referenced(stack, Properties['FunctionName']);
      return queue?.Type === 'AWS::SQS::Queue' && fn !== undefined ? [{ queue, fn }] : [];
    });

    expect(consumed).toHaveLength(3);
    for (const { queue, fn } of consumed) {
      const visibility = queue.Properties['VisibilityTimeout'] as number;
      expect(visibility).toBeGreaterThanOrEqual(6 * (fn.Properties['Timeout'] as number));
    }
  });

  test('and streams repeat only the records that failed', () => {
    const sources = app.ofType('AWS::Lambda::EventSourceMapping');

    expect(sources).toHaveLength(5);
    for (const { Properties } of sources)
      expect(Properties['FunctionResponseTypes']).toEqual(['ReportBatchItemFailures']);
  });

  test('refuse plain HTTP', () => {
    const closed = app.ofType('AWS::SQS::QueuePolicy').flatMap(({ stack, Properties }) => {
      expect(JSON.stringify(Properties)).toContain('"aws:SecureTransport":"false"');
      return listed(Properties['Queues']).map((queue) => app.referenced(stack, queue));
    });

    expect(new Set(closed)).toEqual(new Set(queues));
  });
});

describe('alarms', () => {
  const alarms = app.ofType('AWS::CloudWatch::Alarm');
  const rollBackArn = 'function:hal9-migrate-roll-back';
  const callsRollBack = ({ Properties }: Resource): boolean =>
    listed(Properties['AlarmActions']).some((action) => rendered(action).endsWith(rollBackArn));

  test('are those of the profile, each with the runbook that its description names', () => {
    expect(alarms).toHaveLength(alarmDefinitions(profiles.guide, 'sqlite').length);
    for (const { Properties } of alarms) {
      const runbook = /Runbook: (\S+)$/.exec(rendered(Properties['AlarmDescription']))?.[1];
      expect(existsSync(runbook ?? '')).toBe(true);
    }
  });

  test('of all profiles together use every runbook that there is', () => {
    const used = Object.values(profiles).flatMap((profile) =>
      alarmDefinitions(profile, 'postgres').map(({ runbook }) => `${runbook}.md`),
    );

    expect([...new Set(used)].toSorted()).toEqual(readdirSync('docs/runbooks').toSorted());
  });

  test('of the hierarchical system call the rollback and may; the one of flat asks people', () => {
    const permitted = app
      .ofType('AWS::Lambda::Permission')
      .filter(
        ({ stack, Properties }) =>
          stack.endsWith('Monitoring') &&
          Properties['Principal'] === 'lambda.alarms.cloudwatch.amazonaws.com' &&
          Properties['Action'] === 'lambda:InvokeFunction' &&
          rendered(Properties['FunctionName']).endsWith(rollBackArn),
      )
      .map(({ stack, Properties }) => app.referenced(stack, Properties['SourceArn']));

    expect(alarms.filter(callsRollBack).map(nameOfAlarm)).toEqual(
      alarms.map(nameOfAlarm).filter((name) => name.includes('-migrate-hierarchical-')),
    );
    expect(permitted.map((alarm) => alarm?.logicalId ?? 'none').toSorted()).toEqual(
      alarms
        .filter(callsRollBack)
        .map(({ logicalId }) => logicalId)
        .toSorted(),
    );
  });

  test('tell the people on call when they begin and when they end', () => {
    for (const { stack, Properties } of alarms) {
      for (const actions of [Properties['AlarmActions'], Properties['OKActions']]) {
        const told = listed(actions).map((action) => app.referenced(stack, action)?.Type);
        expect(told).toContain('AWS::SNS::Topic');
      }
    }
    expect(app.ofType('AWS::SNS::Subscription').length).toBeGreaterThan(0);
  });
});

describe('the edge', () => {
  test('runs its origin function in us-east-1, on x86_64, without what Lambda@Edge refuses', () => {
    const fn = functionOf('route-request');

    expect(app.environments[fn?.stack ?? '']).toMatch(/\/us-east-1$/);
    expect(fn?.Properties).toMatchObject({ Architectures: ['x86_64'] });
    for (const refused of ['Environment', 'DeadLetterConfig', 'TracingConfig', 'VpcConfig', 'Layers'])
      expect(fn?.Properties).not.toHaveProperty(refused);
    expect(fn?.Properties['Timeout']).toBeLessThanOrEqual(30);
  });

  test('runs a viewer function of at most 10 KB that reads the routes', () => {
    const [script, ...more] = app.ofType('AWS::CloudFront::Function');

    expect(more).toEqual([]);
    expect(Buffer.byteLength(rendered(script?.Properties['FunctionCode']))).toBeLessThanOrEqual(10 * 1024);
    expect(JSON.stringify(script?.Properties['FunctionConfig'])).toContain('KeyValueStoreAssociations');
  });

  test('keeps the cohort in the cache key of every behaviour that routes', () => {
    const config = app.ofType('AWS::CloudFront::Distribution')[0]?.Properties['DistributionConfig'] as {
      DefaultCacheBehavior: Record<string, unknown>;
      CacheBehaviors?: Record<string, unknown>[];
    };

    for (const behaviour of [config.DefaultCacheBehavior, ...(config.CacheBehaviors ?? [])]) {
      expect(listed(behaviour['FunctionAssociations'])).toHaveLength(1);
      expect(listed(behaviour['LambdaFunctionAssociations'])).toHaveLength(1);
      const policy = app.referenced('Hal9Edge', behaviour['CachePolicyId']);
      expect(JSON.stringify(policy?.Properties)).toMatch(/"Headers":\[[^\]]*"x-hal9-cohort"/);
    }
  });
});

describe('references between stacks', () => {
  test('by output point at outputs that exist', () => {
    const references = app.resources.flatMap(({ stack, Properties }) =>
      valuesIn(Properties, 'Fn::GetStackOutput').map((value) => ({ stack, value })),
    );

    expect(references.length).toBeGreaterThan(10);
    for (const { stack, value } of references) {
      expect([value, app.referenced(stack, { 'Fn::GetStackOutput': value })?.Type]).toEqual([
        value,
        expect.stringMatching(/^AWS::/),
      ]);
    }
  });

  test('by name use names that a resource has', () => {
    const known = new Set(
      app.resources.flatMap(({ Properties }) =>
        Object.entries(Properties)
          .filter(([property]) => /Name$/i.test(property))
          .map(([, value]) => rendered(value)),
      ),
    );
    const nested = app.resources.flatMap(({ Properties }) => valuesIn(Properties, 'Name').map(rendered));
    const used = app.resources.flatMap(({ Properties }) => [
      ...JSON.stringify(Properties).matchAll(/hal9-migrate-[a-z0-9-]*[a-z0-9]/g),
    ]);

    expect(used.length).toBeGreaterThan(100);
    const unknown = used.map(([name]) => name).filter((name) => !known.has(name));
    expect(unknown.filter((name) => !nested.includes(name))).toEqual([]);
  });
});

describe('the workflow', () => {
  test('is a state machine that Step Functions accepts', () => {
    const machine = app.ofType('AWS::StepFunctions::StateMachine')[0];
    // The validator wants ARNs where the template has references.
    const arn = 'arn:aws:lambda:us-east-1:111122223333:function:task';
    const definition = rendered(machine?.Properties['DefinitionString']).replaceAll(/<[^<>]*\.Arn>/g, arn);

    const verdict = validateDefinition(JSON.parse(definition));

    expect(verdict.isValid ? '' : verdict.errorsText()).toBe('');
  });
});

/** What stands under the key, at any depth. */
function valuesIn(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === key ? [inner as unknown] : []),
    ...valuesIn(inner, key),
  ]);
}

function nameOfStore({ Type, logicalId, Properties }: Resource): string {
  const name = Properties['TableName'] ?? logicalId.replace(/[0-9A-F]{8}$/, '');
  return `${Type} ${rendered(name)}`;
}

function functionOf(folder: string): Resource | undefined {
  return app
    .ofType('AWS::Lambda::Function')
    .find(({ Properties }) => Properties['FunctionName'] === names.functionName(folder));
}

function isDeadLetter({ Properties }: Resource): boolean {
  return rendered(Properties['QueueName']).endsWith('-dlq');
}

function nameOfAlarm({ Properties }: Resource): string {
  return rendered(Properties['AlarmName']);
}
