import type { ShadowQueue } from '../shadow/ports.ts';
import type { ShadowSample } from '../shadow/sample.ts';

/** Samples in memory, in the order in which they were sent. */
export function makeShadowQueue(): ShadowQueue & { readonly samples: readonly ShadowSample[] } {
  const samples: ShadowSample[] = [];
  return {
    samples,
    async send(more) {
      samples.push(...more);
    },
  };
}
