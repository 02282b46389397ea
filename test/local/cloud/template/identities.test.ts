import { describe, expect, it } from 'vitest';

import type { AppConfigEngine, KeyValueEngine, StreamEngine } from '../../../../local/engines/ports.ts';
import { eventSources, scheduledInvocations } from '../../../../local/cloud/template/event-sources.ts';
import { identifyResource } from '../../../../local/cloud/template/identities.ts';
import { isIgnoredType } from '../../../../local/cloud/template/ignored-types.ts';
import type { ResolvedResource } from '../../../../local/cloud/template/resolve.ts';

const deps = {
  appConfig: {} as AppConfigEngine,
  keyValues: {} as KeyValueEngine,
  streams: {} as StreamEngine,
  queueUrl: (name: string) => `http://queues/${name}`,
};

function resource(type: string, properties: Record<string, unknown>): ResolvedResource {
  return { stackName: 'Stack', logicalId: 'Thing', type, properties };
}

const mapping = {
  EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:work',
  FunctionName: 'hal9-migrate-work',
};

describe('resources of the templates', () => {
  it('have the names and ARNs that CloudFormation gives', () => {
    const queue = identifyResource(resource('AWS::SQS::Queue', { QueueName: 'work' }), deps);

    expect(queue).toEqual({
      ref: 'http://queues/work',
      attributes: { Arn: 'arn:aws:sqs:us-east-1:000000000000:work', QueueName: 'work' },
    });
  });

  it('of a type that is neither built nor ignored are refused by name', () => {
    const unknown = resource('AWS::Batch::JobQueue', {});

    expect(isIgnoredType(unknown.type)).toBe(false);
    expect(() => identifyResource(unknown, deps)).toThrow(/AWS::Batch::JobQueue \(Stack\/Thing\)/);
  });

  it('become event sources with their batches and retries', () => {
    const [source] = eventSources([
      resource('AWS::Lambda::EventSourceMapping', {
        ...mapping,
        BatchSize: 3,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 4 },
      }),
    ]);

    expect(source).toMatchObject({
      kind: 'queue',
      sourceName: 'work',
      functionName: 'hal9-migrate-work',
      batchSize: 3,
      maxConcurrency: 4,
      reportsItemFailures: true,
    });
  });

  it('that the local cloud would run differently are refused', () => {
    const filtered = resource('AWS::Lambda::EventSourceMapping', {
      ...mapping,
      FilterCriteria: { Filters: [{ Pattern: '{"body":["x"]}' }] },
    });
    const cron = resource('AWS::Events::Rule', { ScheduleExpression: 'cron(0 12 * * ? *)', Targets: [] });

    expect(() => eventSources([filtered])).toThrow(/FilterCriteria/);
    expect(() => scheduledInvocations([cron])).toThrow(/cron/);
  });

  it('become schedules with the input of their target', () => {
    const rule = resource('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ Arn: 'arn:aws:lambda:us-east-1:000000000000:function:relay', Input: '{"action":"relay"}' }],
    });

    expect(scheduledInvocations([rule])).toEqual([
      { name: 'Thing', rate: 'rate(1 minute)', functionName: 'relay', payload: '{"action":"relay"}' },
    ]);
  });
});
