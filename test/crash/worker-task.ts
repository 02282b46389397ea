import type { SourceConfig } from '../../lib/config/source-config.ts';
import type { resourceNames } from '../../lib/kernel/resource-names.ts';

export type Role = 'copy' | 'relay' | 'apply';

/** What a worker process is told at its start, as JSON in its only argument. */
export interface WorkerTask {
  readonly role: Role;
  readonly source: SourceConfig;
  readonly dynamoUrl: string;
  readonly sqsUrl: string;
  readonly tables: ReturnType<typeof resourceNames>['tables'];
  readonly rangeQueueUrl: string;
  readonly changeQueueUrl: string;
  /** Of the same server as the queues. */
  readonly bodyBucket: string;
  /** It kills itself at this point: each call of a store counts twice, before and after. null: never. */
  readonly dieAt: number | null;
}

/** What a worker says of itself, a line each. `batch`: it has begun the work of that name. */
export type WorkerLine =
  | { readonly kind: 'ready' }
  | { readonly kind: 'batch'; readonly name: string }
  | { readonly kind: 'failure'; readonly message: string };

/** Rows of one page, which is what a checkpoint stands behind. */
export const pageSize = 50;

/** How long a killed worker keeps its range, and its message. */
export const leaseMs = 4_000;
