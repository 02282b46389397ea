import { makeMemoryFlatRecords } from '../../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../../lib/memory/flat-source.ts';
import { makeFlatStore, writeRow } from '../../../lib/memory/flat-store.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { flatSourceContract } from '../../contract/flat-source.ts';

flatSourceContract('memory', () => {
  const store = makeFlatStore(hal9Definition);
  return {
    source: makeMemoryFlatSource(store),
    records: makeMemoryFlatRecords(store),
    writeLegacy: (key, row) => writeRow(store, tableOf(hal9Definition, key.recordType), key.id, row),
  };
});
