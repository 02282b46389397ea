import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Services that name their operation in a header, by its prefix. */
const services: Readonly<Record<string, string>> = {
  DynamoDB_20120810: 'dynamodb',
  DynamoDBStreams_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  Kinesis_20131202: 'kinesis',
  AWSStepFunctions: 'states',
  GraniteServiceVersion20100801: 'cloudwatch',
};

/** Operations that are allowed by the actions of their parts; any of these will do, since the parts are not seen here. */
const parts: Readonly<Record<string, readonly string[]>> = {
  'dynamodb:TransactWriteItems': ['PutItem', 'UpdateItem', 'DeleteItem'].map((name) => `dynamodb:${name}`),
  'dynamodb:TransactGetItems': ['dynamodb:GetItem'],
  'dynamodb:BatchExecuteStatement': [
    'dynamodb:PartiQLInsert',
    'dynamodb:PartiQLUpdate',
    'dynamodb:PartiQLSelect',
  ],
  'dynamodb:ExecuteStatement': ['dynamodb:PartiQLInsert', 'dynamodb:PartiQLUpdate', 'dynamodb:PartiQLSelect'],
  'sqs:SendMessageBatch': ['sqs:SendMessage'],
  'sqs:DeleteMessageBatch': ['sqs:DeleteMessage'],
};

/** The action of a call as policies spell it; null when its header does not tell. */
export function actionOf(target: string): string | null {
  const [prefix = '', operation] = target.split('.');
  const service = services[prefix];
  return service === undefined || operation === undefined ? null : `${service}:${operation}`;
}

/** True when one of the actions allows this one. A wildcard at the end allows what begins like it. */
export function isAllowed(action: string, allowed: readonly string[]): boolean {
  const wanted = parts[action] ?? [action];
  return wanted.some((one) =>
    allowed.some((pattern) =>
      pattern.endsWith('*') ? one.startsWith(pattern.slice(0, -1)) : pattern === one,
    ),
  );
}

/** Where the flat store is that `SOURCE` names, if that is an engine of its own: no policy of the account is about it. */
export function sourceHost(source: string | undefined): string | null {
  if (source === undefined) return null;
  const { endpoint } = JSON.parse(source) as { readonly endpoint?: string };
  return endpoint === undefined ? null : new URL(endpoint).host;
}

/**
 * Refuses calls of this thread that the function's role does not allow, as AWS would: the engines of the local cloud
 * know no policies, and a missing permission must not wait for the first deployment to be found. Only the action is
 * looked at, not the resource. Calls to `elsewhere` are let through.
 */
export function guardCalls(
  functionName: string,
  { allowed, elsewhere }: { readonly allowed: readonly string[]; readonly elsewhere: string | null },
  log: (line: string) => void,
): void {
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { readonly request: ClientRequest };
    const target = request.getHeader('x-amz-target');
    const action = typeof target === 'string' ? actionOf(target) : null;
    if (action === null || isAllowed(action, allowed)) return;
    if (request.getHeader('host') === elsewhere) return;
    const fault = new Error(`${functionName} is not authorized to perform: ${action}`);
    fault.name = 'AccessDeniedException';
    log(`ACCESS DENIED ${fault.message}`);
    request.destroy(fault);
  });
}
