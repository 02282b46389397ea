import type { StateDescription } from '../../lib/migration/state-description.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

/** Where every category stands, from the function that can reach all stores. */
export async function describeState(invoker: FunctionInvoker): Promise<StateDescription> {
  return (await invoker.invoke('describe-state', {})) as StateDescription;
}
