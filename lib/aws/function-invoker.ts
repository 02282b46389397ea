import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

import { HalError } from '../kernel/errors.ts';
import type { FunctionInvoker } from '../orchestrator/function-invoker.ts';
import { clientDefaults } from './clients.ts';

export interface FunctionInvokerDeps {
  readonly client: LambdaClient;
  /** What every function's name begins with. */
  readonly prefix: string;
}

/** A client that waits as long as a function may run; every function called this way may be called twice. */
export function makeInvokingClient(settings?: { readonly region?: string }): LambdaClient {
  return new LambdaClient({
    ...clientDefaults(settings),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 905_000 },
  });
}

export function makeFunctionInvoker({ client, prefix }: FunctionInvokerDeps): FunctionInvoker {
  return {
    async invoke(folder, payload) {
      const answer = await client.send(
        new InvokeCommand({ FunctionName: `${prefix}${folder}`, Payload: JSON.stringify(payload) }),
      );
      const body = parseBody(answer.Payload);
      if (answer.FunctionError !== undefined) throw functionFailed(folder, body);
      return body;
    },
  };
}

function parseBody(payload: Uint8Array | undefined): unknown {
  const body = new TextDecoder().decode(payload);
  return body === '' ? null : (JSON.parse(body) as unknown);
}

function functionFailed(folder: string, body: unknown): HalError {
  const { errorType, errorMessage } = (body ?? {}) as { errorType?: unknown; errorMessage?: unknown };
  const type = typeof errorType === 'string' ? errorType : 'Unknown';
  const message = typeof errorMessage === 'string' ? errorMessage : 'no message';
  return new HalError({
    name: 'FunctionFailed',
    message: `The function ${folder} failed: ${type}: ${message}`,
    remedy: `See the log of the function ${folder}.`,
    facts: { folder, errorType: type, errorMessage: message },
  });
}
