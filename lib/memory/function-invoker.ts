import { HalError } from '../kernel/errors.ts';
import type { FunctionInvoker } from '../orchestrator/function-invoker.ts';

type Callable = (payload: unknown) => Promise<unknown>;

/** Handlers called in the same process; payloads and answers pass as JSON, as they would between functions. */
export function makeMemoryFunctionInvoker(handlers: Readonly<Record<string, Callable>>): FunctionInvoker & {
  readonly calls: readonly { readonly folder: string; readonly payload: unknown }[];
} {
  const calls: { folder: string; payload: unknown }[] = [];
  return {
    calls,
    async invoke(folder, payload) {
      calls.push({ folder, payload });
      const handler = handlers[folder];
      if (handler === undefined) throw functionFailed(folder, new Error(`there is no function ${folder}`));
      try {
        return asJson(await handler(asJson(payload)));
      } catch (fault) {
        throw functionFailed(folder, fault as Error);
      }
    },
  };
}

function asJson(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}

function functionFailed(folder: string, fault: Error): HalError {
  return new HalError({
    name: 'FunctionFailed',
    message: `The function ${folder} failed: ${fault.name}: ${fault.message}`,
    remedy: 'See the log of the function.',
    facts: { folder, errorType: fault.name, errorMessage: fault.message },
    cause: fault,
  });
}
