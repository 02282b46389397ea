import { setTimeout as delay } from 'node:timers/promises';

import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import type { SourceConfig } from '../../lib/config/source-config.ts';
import { makeGateway } from '../../lib/gateway/gateway.ts';
import type { Gateway } from '../../lib/gateway/outcome.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { LargeBodies } from '../../lib/migration/large-bodies.ts';
import { openFlatRecords } from '../../lib/sources/open-flat-source.ts';

const defaultMaxWaitMs = 5_000;

export const systemTiming = {
  clock: { nowMs: () => Date.now() },
  sleeper: { sleep: (durationMs: number) => delay(durationMs) },
  random: { next: () => Math.random() },
};

export interface GatewayTables {
  readonly state: string;
  readonly authority: string;
  readonly reversePending: string;
}

/** A gateway with connections of its own; the SDK finds its endpoint in the environment of the process. */
export async function openGateway(options: {
  source: SourceConfig;
  tables: GatewayTables;
  definition: MigrationDefinition;
  /** How long a request waits for a switch of authority to finish; default 5,000. */
  maxWaitMs?: number | undefined;
  /** Where bodies are that no item holds. */
  bodies?: LargeBodies;
}): Promise<{ readonly gateway: Gateway; close(): Promise<void> }> {
  const { tables, definition, bodies } = options;
  const client = makeDynamoClient();
  const flat = await openFlatRecords(options.source, definition);
  const gateway = makeGateway({
    flat,
    hierarchical: makeHierarchicalRecords({ client, tables, ...(bodies === undefined ? {} : { bodies }) }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    definition,
    maxWaitMs: options.maxWaitMs ?? defaultMaxWaitMs,
    ...systemTiming,
  });
  return {
    gateway,
    async close() {
      await flat.close();
      client.destroy();
    },
  };
}
