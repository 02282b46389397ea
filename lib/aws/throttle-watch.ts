import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Throttling } from '../migration/pace.ts';

/** Told of every refusal for lack of throughput, those included that the SDK repeats by itself. */
export type OnThrottling = (throttling: Omit<Throttling, 'atMs'>) => void;

const throttlingCodes = new Set([
  'ProvisionedThroughputExceeded',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingError',
  'ThrottlingException',
]);

export function isThrottlingCode(code: string | undefined): boolean {
  return code !== undefined && throttlingCodes.has(code);
}

/** What DynamoDB says of a refusal since 2025: the reason and the table or index that it is about. */
interface ThrottlingFault {
  readonly name: string;
  readonly ThrottlingReasons?: readonly { readonly reason?: string; readonly resource?: string }[];
  readonly throttlingReasons?: readonly { readonly reason?: string; readonly resource?: string }[];
}

/** Looks at every attempt of every request of the client: innermost, below the SDK's own repetitions. */
export function watchThrottling(client: DynamoDBClient, onThrottling: OnThrottling): DynamoDBClient {
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (fault) {
        const { name, ...said } = fault as ThrottlingFault;
        if (isThrottlingCode(name)) {
          const reason = (said.ThrottlingReasons ?? said.throttlingReasons)?.[0];
          const table = (args.input as { TableName?: string }).TableName;
          onThrottling({
            who: reason?.resource ?? table ?? 'DynamoDB',
            why: reason?.reason === undefined ? name : `${name}: ${reason.reason}`,
          });
        }
        throw fault;
      }
    },
    { step: 'deserialize', priority: 'high', name: 'watchThrottling', override: true },
  );
  return client;
}
