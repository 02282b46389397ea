import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';

import type { Clock, Sleeper } from '../kernel/clock.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import { explainFault } from './service-faults.ts';
import { readLayouts, type TableLayout } from './table-layout.ts';

/** What a flat store of DynamoDB tables is opened with. */
export interface FlatStoreParts {
  readonly client: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
  /** Tables are named by it and their name in the definition. */
  readonly prefix: string;
  readonly definition: MigrationDefinition;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

export interface FlatStore extends FlatStoreParts {
  /** For messages. */
  readonly place: string;
  /** Table of the change log, of authorities and versions. */
  readonly log: string;
  /** Tables of the store by record type, null where it has none; looked at again now and then. */
  layouts(): Promise<ReadonlyMap<string, TableLayout | null>>;
  layout(recordType: string): Promise<TableLayout | null>;
  /** The tables as they are now. */
  freshLayouts(): Promise<ReadonlyMap<string, TableLayout | null>>;
}

const layoutsLastMs = 30_000;

export function makeFlatStore(parts: FlatStoreParts): FlatStore {
  let known: { readonly atMs: number; readonly layouts: ReturnType<typeof readLayouts> } | null = null;
  const store: FlatStore = {
    ...parts,
    place: `dynamodb://${parts.prefix}`,
    log: logTableName(parts.prefix),
    async layouts() {
      const nowMs = parts.clock.nowMs();
      if (known === null || nowMs - known.atMs > layoutsLastMs) return await store.freshLayouts();
      return await known.layouts;
    },
    async layout(recordType) {
      return (await store.layouts()).get(recordType) ?? null;
    },
    async freshLayouts() {
      known = { atMs: parts.clock.nowMs(), layouts: readLayouts(parts) };
      try {
        return await known.layouts;
      } catch (fault) {
        known = null;
        throw explainFault(fault, store.place);
      }
    },
  };
  return store;
}

/** Beside the tables that it is of, since transactions reach over both. */
function logTableName(prefix: string): string {
  return `${prefix}_mig_log`;
}
