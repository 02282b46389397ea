import type { Clock, Sleeper } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { AuthorityStore } from '../migration/ports.ts';
import type { RecordOrigin, RecordVersion } from '../migration/record.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import type { FlatRecords, HierarchicalRecords } from './ports.ts';

export type GatewayRead =
  | {
      readonly kind: 'read';
      /** null: the key is absent. */
      readonly row: FlatRow | null;
      /** Known under hierarchical authority only. */
      readonly version: RecordVersion | null;
      readonly servedFrom: RecordOrigin;
    }
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number };

export type GatewayWrite =
  | { readonly kind: 'written'; readonly version: RecordVersion | null; readonly servedFrom: RecordOrigin }
  /** The row has no hierarchical form; nothing was written. */
  | { readonly kind: 'rejected'; readonly errorName: string; readonly message: string }
  /** Authority moved for too long, or the key is too contended; nothing was written. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs: number }
  /** A reply was lost and it can no longer be told whether the write had its effect. */
  | { readonly kind: 'unknown'; readonly message: string };

/** Reads and writes one record at whichever store owns its category at that instant. */
export interface Gateway {
  read(key: RecordKey): Promise<GatewayRead>;
  /** Replaces the whole row; null deletes (deleting an absent key is a success). */
  write(key: RecordKey, row: FlatRow | null): Promise<GatewayWrite>;
}

export interface GatewayDeps {
  readonly flat: FlatRecords;
  readonly hierarchical: HierarchicalRecords;
  readonly authority: Pick<AuthorityStore, 'read'>;
  readonly definition: MigrationDefinition;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
  readonly random: Random;
  /** How long a request waits for an authority switch to finish, in milliseconds. */
  readonly maxWaitMs: number;
}

/** What one attempt came to: an answer, another attempt after `delayMs`, or one when authority has moved. */
export type Attempt<Outcome> =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  | { readonly kind: 'again'; readonly delayMs: number }
  | { readonly kind: 'blocked' };

/** How long a client should wait before it asks again. */
const retryAfterMs = 1_000;

export function unavailable(): { readonly kind: 'unavailable'; readonly retryAfterMs: number } {
  return { kind: 'unavailable', retryAfterMs };
}
