import type { PublishOutcome, RouteStore } from '../router/ports.ts';
import { judgePublish } from '../router/publish-order.ts';
import { formatRoutes, parseRoutes, type Routes } from '../router/routes.ts';

/** Routes in memory; a write that was overtaken between its read and its write is decided again, as with ETags. */
export function makeRouteStore(initial: string | null = null): RouteStore {
  let text = initial;
  let etag = 0;
  const current = (): Routes | null => parseRoutes(text);

  async function update<Nothing extends { readonly kind: string }>(
    decide: (current: Routes | null) => Promise<PublishOutcome | Nothing>,
  ): Promise<PublishOutcome | Nothing> {
    for (;;) {
      const seen = etag;
      const outcome = await decide(current());
      if (outcome.kind !== 'published' || !('routes' in outcome)) return outcome;
      if (seen !== etag) continue;
      text = formatRoutes(outcome.routes);
      etag += 1;
      return outcome;
    }
  }

  return {
    read: async () => current(),
    publish: (routes) => update<never>(async (current) => judgePublish(current, routes, 'epoch-and-version')),
    follow: (readDeployed) =>
      update(async (current) => {
        const deployed = await readDeployed();
        return deployed === null
          ? ({ kind: 'nothing-deployed' } as const)
          : judgePublish(current, deployed, 'epoch-only');
      }),
  };
}
