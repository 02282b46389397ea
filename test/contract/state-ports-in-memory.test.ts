import { makeMemoryAuthorityStore } from '../../lib/memory/authority-store.ts';
import { makeMemoryDigestStore } from '../../lib/memory/digest-store.ts';
import { makeMemoryFlatRecords } from '../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../lib/memory/flat-source.ts';
import { makeFlatStore } from '../../lib/memory/flat-store.ts';
import { makeMemoryHierarchicalRecords } from '../../lib/memory/hierarchical-records.ts';
import { makeMemoryKeptDigestStore } from '../../lib/memory/kept-digest-store.ts';
import { makeMemoryQuarantineStore } from '../../lib/memory/quarantine-store.ts';
import { makeMemoryRangeStore } from '../../lib/memory/range-store.ts';
import { makeMemoryRelayStore } from '../../lib/memory/relay-store.ts';
import { makeMemoryReversePendingStore } from '../../lib/memory/reverse-pending-store.ts';
import { makeMemoryStateStream } from '../../lib/memory/state-stream.ts';
import { makeMemorySwitchStore } from '../../lib/memory/switch-store.ts';
import { makeMemoryTargetStore } from '../../lib/memory/target-store.ts';
import { makeMemoryWorld, type MemoryWorld } from '../../lib/memory/world.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { authorityStoreContract } from './authority-store.ts';
import { digestStoreContract } from './digest-store.ts';
import { flatRecordsContract } from './flat-records.ts';
import { flatSourceContract, type FlatAdapter } from './flat-source.ts';
import { hierarchicalRecordsContract, type HierarchicalAdapter } from './hierarchical-records.ts';
import { keptDigestStoreContract } from './kept-digest-store.ts';
import { quarantineStoreContract } from './quarantine-store.ts';
import { rangeStoreContract } from './range-store.ts';
import { relayStoreContract } from './relay-store.ts';
import { reversePendingStoreContract } from './reverse-pending-store.ts';
import { stateStreamContract } from './state-stream.ts';
import { switchStoreContract } from './switch-store.ts';
import { targetStoreContract } from './target-store.ts';

function inMemory<Adapter>(make: (world: MemoryWorld) => Adapter): () => Promise<Adapter> {
  return () => Promise.resolve(make(makeMemoryWorld()));
}

const flat = (): Promise<FlatAdapter> => {
  const store = makeFlatStore(smallDefinition);
  return Promise.resolve({
    source: makeMemoryFlatSource(store),
    records: makeMemoryFlatRecords(store),
    stop: () => Promise.resolve(),
  });
};

const hierarchical = inMemory((world): HierarchicalAdapter => ({
  records: makeMemoryHierarchicalRecords(world),
  authority: makeMemoryAuthorityStore(world),
  reversePending: makeMemoryReversePendingStore(world),
}));

flatSourceContract('memory', flat);
flatRecordsContract('memory', flat);
targetStoreContract('memory', inMemory(makeMemoryTargetStore));
rangeStoreContract('memory', (clock) => Promise.resolve(makeMemoryRangeStore(makeMemoryWorld(), clock)));
digestStoreContract('memory', inMemory(makeMemoryDigestStore));
keptDigestStoreContract('memory', () => Promise.resolve(makeMemoryKeptDigestStore()));
stateStreamContract(
  'memory',
  inMemory((world) => ({ target: makeMemoryTargetStore(world), stream: makeMemoryStateStream(world) })),
);
relayStoreContract('memory', inMemory(makeMemoryRelayStore));
authorityStoreContract(
  'memory',
  inMemory((world) => ({
    authority: makeMemoryAuthorityStore(world),
    switches: makeMemorySwitchStore(world),
  })),
);
hierarchicalRecordsContract('memory', hierarchical);
reversePendingStoreContract('memory', hierarchical);
quarantineStoreContract('memory', inMemory(makeMemoryQuarantineStore));
switchStoreContract('memory', inMemory(makeMemorySwitchStore));
