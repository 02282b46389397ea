import { makeMemoryFlatRecords } from '../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../lib/memory/flat-source.ts';
import { makeFlatStore } from '../../lib/memory/flat-store.ts';
import { makeMemoryFlatWriter } from '../../lib/memory/flat-writer.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { flatWriterContract } from './flat-writer.ts';

flatWriterContract('memory', () => {
  const store = makeFlatStore(smallDefinition);
  return Promise.resolve({
    writer: makeMemoryFlatWriter(store),
    source: makeMemoryFlatSource(store),
    records: makeMemoryFlatRecords(store),
    stop: () => Promise.resolve(),
  });
});
