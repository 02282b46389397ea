import type { FunctionInvoker } from '../lib/orchestrator/function-invoker.ts';
import type { Connection } from './connection.ts';
import { withKnownFaults } from './function-faults.ts';

/** The product's functions, called by name. The SDK is loaded only by commands that need it. */
export async function functionInvoker(connection: Connection): Promise<FunctionInvoker> {
  const { makeFunctionInvoker, makeInvokingClient } = await import('../lib/aws/function-invoker.ts');
  const client = makeInvokingClient({ region: connection.region });
  return withKnownFaults(makeFunctionInvoker({ client, prefix: connection.names.functionName('') }));
}
