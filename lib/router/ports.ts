import type { Routes } from './routes.ts';

export type PublishOutcome =
  | { readonly kind: 'published'; readonly routes: Routes; readonly replaced: Routes | null }
  /** What is published already says the same. */
  | { readonly kind: 'unchanged'; readonly routes: Routes }
  /** What is published is newer: a higher routing epoch, or the same one and a higher version. */
  | { readonly kind: 'kept-newer'; readonly routes: Routes };

/** The routes that the edges read. They never go back to a lower routing epoch, whoever writes. */
export interface RouteStore {
  /** null when nothing (or nothing readable) is published. */
  read(): Promise<Routes | null>;
  /** Publishes exactly these routes, unless newer ones are there. */
  publish(routes: Routes): Promise<PublishOutcome>;
  /**
   * Publishes what `readDeployed` returns. It is called after the published routes were read and again whenever
   * somebody else wrote in between, so of two racing callers the one with the older configuration never wins;
   * only a lower routing epoch is refused, since an operator may deploy an older version again. A null from
   * `readDeployed` publishes nothing.
   */
  follow(
    readDeployed: () => Promise<Routes | null>,
  ): Promise<PublishOutcome | { readonly kind: 'nothing-deployed' }>;
}
