import type { Category } from '../migration/category.ts';
import type { FunctionInvoker } from '../orchestrator/function-invoker.ts';
import { faultOf } from '../orchestrator/state-answers.ts';

/**
 * Gives one category back to flat. A switch that is still on its way to hierarchical is aborted first, or finished
 * first when it is too far for that. `stays` where flat can take no authority: both systems go on with the
 * hierarchical store, whatever the traffic does.
 */
export async function restoreFlatAuthority(
  invoker: FunctionInvoker,
  category: Category,
  requestedBy: string,
): Promise<'back' | 'stays'> {
  const call = (to: 'flat' | 'hierarchical', action: 'switch' | 'abort'): Promise<unknown> =>
    invoker.invoke('switch-authority', { category, to, action, requestedBy });
  try {
    return await giveBack(call);
  } catch (fault) {
    if (faultOf(fault).name !== 'SwitchUnderWay') throw fault;
    await abortOrFinish(call);
    return await giveBack(call);
  }
}

async function giveBack(call: (to: 'flat', action: 'switch') => Promise<unknown>): Promise<'back' | 'stays'> {
  try {
    await call('flat', 'switch');
    return 'back';
  } catch (fault) {
    if (faultOf(fault).name !== 'SourceOffline') throw fault;
    return 'stays';
  }
}

async function abortOrFinish(
  call: (to: 'flat' | 'hierarchical', action: 'switch' | 'abort') => Promise<unknown>,
): Promise<void> {
  try {
    await call('hierarchical', 'abort');
  } catch (fault) {
    if (faultOf(fault).name !== 'SwitchTooFar') throw fault;
    await call('hierarchical', 'switch');
  }
}
