import { afterAll, beforeAll } from 'vitest';

import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeHierarchicalRecords } from '../../lib/aws/hierarchical-records.ts';
import { makeKeptDigestStore } from '../../lib/aws/kept-digest-store.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeStateStream } from '../../lib/aws/state-stream.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { authorityStoreContract } from './authority-store.ts';
import { digestStoreContract } from './digest-store.ts';
import { hierarchicalRecordsContract, type HierarchicalAdapter } from './hierarchical-records.ts';
import { keptDigestStoreContract } from './kept-digest-store.ts';
import { quarantineStoreContract } from './quarantine-store.ts';
import { rangeStoreContract } from './range-store.ts';
import { relayStoreContract } from './relay-store.ts';
import { reversePendingStoreContract } from './reverse-pending-store.ts';
import { stateStreamContract } from './state-stream.ts';
import { switchStoreContract } from './switch-store.ts';
import { targetStoreContract } from './target-store.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

type Tables = Awaited<ReturnType<TestDynamo['createTables']>>;

/** Fresh tables for each adapter, so that the cases share nothing. */
function inDynamo<Adapter>(make: (dynamo: TestDynamo, tables: Tables) => Adapter): () => Promise<Adapter> {
  return async () => make(dynamo, await dynamo.createTables());
}

const hierarchical = inDynamo(({ client }, tables): HierarchicalAdapter => ({
  records: makeHierarchicalRecords({ client, tables }),
  authority: makeAuthorityStore({ client, table: tables.authority }),
  reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
}));

targetStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => makeTargetStore({ client, table: tables.state })),
);
rangeStoreContract('DynamoDB', (clock) =>
  inDynamo(({ client }, tables) => makeRangeStore({ client, table: tables.progress, clock }))(),
);
relayStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => makeRelayStore({ client, table: tables.progress })),
);
authorityStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => ({
    authority: makeAuthorityStore({ client, table: tables.authority }),
    switches: makeSwitchStore({ client, table: tables.authority }),
  })),
);
digestStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => makeDigestStore({ client, table: tables.progress })),
);
keptDigestStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => makeKeptDigestStore({ client, table: tables.progress })),
);
stateStreamContract(
  'DynamoDB',
  inDynamo(({ client, streams }, tables) => ({
    target: makeTargetStore({ client, table: tables.state }),
    stream: makeStateStream({ client, streams, table: tables.state, clock: { nowMs: () => Date.now() } }),
  })),
);
hierarchicalRecordsContract('DynamoDB', hierarchical);
reversePendingStoreContract('DynamoDB', hierarchical);
quarantineStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => makeQuarantineStore({ client, table: tables.quarantine })),
);
switchStoreContract(
  'DynamoDB',
  inDynamo(({ client }, tables) => makeSwitchStore({ client, table: tables.authority })),
);
