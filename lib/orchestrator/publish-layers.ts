import { HalError } from '../kernel/errors.ts';
import { layers } from '../migration/transforms/assign-layer.ts';
import type { FunctionInvoker } from './function-invoker.ts';
import { faultOf, parseLayers } from './state-answers.ts';

type PublishedPage =
  | { readonly kind: 'going-on'; readonly cursor: string }
  | { readonly kind: 'published' }
  /** Some layers have faults; nothing above the first of them is published. */
  | { readonly kind: 'unsound'; readonly why: string };

const shownFindings = 3;

/** Compares a stretch of the graph in both systems, and at its end publishes the layers without a fault. */
export async function publishPage(invoker: FunctionInvoker, cursor: string | null): Promise<PublishedPage> {
  const answer = parseLayers(
    await invoker.invoke('examine-neurons', { action: 'verify', layers, publish: true, cursor }),
  );
  if (!answer.done) return { kind: 'going-on', cursor: answer.cursor };
  if (answer.faulty.length === 0) return { kind: 'published' };
  const named = answer.survey.findings
    .slice(0, shownFindings)
    .map(({ fault, pk }) => `${fault} ${pk}`)
    .join(', ');
  return { kind: 'unsound', why: `the layers ${answer.faulty.join(', ')} are not sound: ${named}` };
}

/** True for the refusal that publishing may mend. */
export function isForLayers(fault: unknown): boolean {
  return faultOf(fault).name === 'LayersNotPublished';
}

/** Throws HalError `LayersUnsound`. */
export async function publishLayers(invoker: FunctionInvoker): Promise<void> {
  let cursor: string | null = null;
  for (;;) {
    const page = await publishPage(invoker, cursor);
    if (page.kind === 'published') return;
    if (page.kind === 'unsound') throw unsound(page.why);
    ({ cursor } = page);
  }
}

function unsound(why: string): HalError {
  return new HalError({
    name: 'LayersUnsound',
    message: `The neurons cannot change authority: ${why}.`,
    remedy:
      'Mend them with `hal9-migrate reconcile --category neuron-states`, then see `hal9-migrate neurons verify`.',
    exit: 'gateFailed',
    facts: { why },
  });
}
