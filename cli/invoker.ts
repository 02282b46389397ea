import type { FunctionInvoker } from '../lib/orchestrator/ports.ts';
import type { Connection } from './connection.ts';

/** The product's functions, called by name. The SDK is loaded only by commands that need it. */
export async function functionInvoker(connection: Connection): Promise<FunctionInvoker> {
  const { makeFunctionInvoker } = await import('../lib/aws/function-invoker.ts');
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  return makeFunctionInvoker(new LambdaClient({}), connection.names.functionName(''));
}
