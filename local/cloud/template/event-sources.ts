import { functionNameOf, nameInArn } from '../../engines/arns.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { nameOf } from './identities.ts';
import { everyRecord, parseEventFilter, type EventFilter } from '../sources/event-filter.ts';
import { listAt, optionalNumber, optionalText, propertyAt, textAt } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';

/** What wakes a function with batches. */
export interface EventSource {
  readonly kind: 'queue' | 'table' | 'stream';
  readonly functionName: string;
  /** Name of the queue, table or stream. */
  readonly sourceName: string;
  readonly sourceArn: string;
  /** Which records are delivered; the others are done without the function. */
  readonly filter: EventFilter;
  readonly batchSize: number;
  readonly batchWindowMs: number;
  readonly reportsItemFailures: boolean;
  readonly maxConcurrency: number;
  /** Repetitions of a failed batch of a stream; null is without end. */
  readonly maxRetries: number | null;
  readonly bisects: boolean;
  /** Queue that hears of records given up. */
  readonly failureQueueArn: string | null;
}

export interface ScheduledInvocation {
  readonly name: string;
  /** `rate(1 minute)`. */
  readonly rate: string;
  readonly functionName: string;
  readonly payload: string;
}

export function eventSources(resources: readonly ResolvedResource[]): readonly EventSource[] {
  return resources.filter((resource) => resource.type === 'AWS::Lambda::EventSourceMapping').map(eventSource);
}

function eventSource(resource: ResolvedResource): EventSource {
  const sourceArn = textAt(resource, 'EventSourceArn');
  const kind = kindOf(resource, sourceArn);
  const retries = optionalNumber(resource, 'MaximumRetryAttempts') ?? -1;
  const responses = listAt(resource, 'FunctionResponseTypes') as readonly string[];
  return {
    kind,
    functionName: functionNameOf(textAt(resource, 'FunctionName')),
    sourceName: nameInArn(sourceArn).split('/')[0] ?? '',
    sourceArn,
    filter: filterOf(resource, kind),
    batchSize: optionalNumber(resource, 'BatchSize') ?? (kind === 'queue' ? 10 : 100),
    batchWindowMs: (optionalNumber(resource, 'MaximumBatchingWindowInSeconds') ?? 0) * 1_000,
    reportsItemFailures: responses.includes('ReportBatchItemFailures'),
    maxConcurrency: optionalNumber(resource, 'ScalingConfig.MaximumConcurrency') ?? 2,
    maxRetries: retries < 0 ? null : retries,
    bisects: propertyAt(resource, 'BisectBatchOnFunctionError') === true,
    failureQueueArn: optionalText(resource, 'DestinationConfig.OnFailure.Destination') ?? null,
  };
}

function filterOf(resource: ResolvedResource, kind: EventSource['kind']): EventFilter {
  const filters = listAt(resource, 'FilterCriteria.Filters') as readonly { readonly Pattern: string }[];
  if (filters.length === 0) return everyRecord;
  const filter = kind === 'table' ? parseEventFilter(filters.map(({ Pattern }) => Pattern)) : null;
  if (filter === null) throw unsupported(resource, 'FilterCriteria');
  return filter;
}

function kindOf(resource: ResolvedResource, sourceArn: string): EventSource['kind'] {
  const service = sourceArn.split(':')[2];
  if (service === 'sqs') return 'queue';
  if (service === 'dynamodb') return 'table';
  if (service === 'kinesis') return 'stream';
  throw unsupported(resource, `the event source ${sourceArn}`);
}

export function scheduledInvocations(resources: readonly ResolvedResource[]): readonly ScheduledInvocation[] {
  return resources.flatMap((resource) => {
    if (resource.type === 'AWS::Events::Rule') return ruleInvocations(resource);
    if (resource.type === 'AWS::Scheduler::Schedule') return [scheduleInvocation(resource)];
    return [];
  });
}

function ruleInvocations(resource: ResolvedResource): readonly ScheduledInvocation[] {
  if (propertyAt(resource, 'EventPattern') !== undefined) throw unsupported(resource, 'EventPattern');
  if (optionalText(resource, 'State') === 'DISABLED') return [];
  const rule = { name: nameOf(resource, 'Name'), rate: rateOf(resource) };
  return (listAt(resource, 'Targets') as readonly { Arn: string; Input?: string }[]).map((target) => ({
    ...rule,
    functionName: targetFunction(resource, target.Arn),
    payload: target.Input ?? scheduledEvent(rule.name),
  }));
}

function scheduleInvocation(resource: ResolvedResource): ScheduledInvocation {
  return {
    name: nameOf(resource, 'Name'),
    rate: rateOf(resource),
    functionName: targetFunction(resource, textAt(resource, 'Target.Arn')),
    payload: optionalText(resource, 'Target.Input') ?? scheduledEvent(resource.logicalId),
  };
}

function rateOf(resource: ResolvedResource): string {
  const rate = textAt(resource, 'ScheduleExpression');
  if (!/^rate\(\d+ \w+\)$/.test(rate)) throw unsupported(resource, `the schedule ${rate}`);
  return rate;
}

function targetFunction(resource: ResolvedResource, arn: string): string {
  if (arn.split(':')[2] !== 'lambda') throw unsupported(resource, `the target ${arn}`);
  return functionNameOf(arn);
}

function scheduledEvent(ruleName: string): string {
  return JSON.stringify({
    source: 'aws.events',
    'detail-type': 'Scheduled Event',
    resources: [ruleName],
    detail: {},
  });
}

function unsupported(resource: ResolvedResource, what: string): HalError {
  return new HalError({
    name: 'TemplateUnsupported',
    message: `The local cloud does not build ${what} of ${resource.stackName}/${resource.logicalId}.`,
    remedy: 'Build it in local/cloud/template/, or say the same in the CDK app in another way.',
    exit: 'unavailable',
    facts: { stack: resource.stackName, logicalId: resource.logicalId, what },
  });
}
