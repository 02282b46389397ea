import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { makeMemoryFlatRecords } from '../../lib/memory/flat-records.ts';
import { makeMemoryFlatSource } from '../../lib/memory/flat-source.ts';
import { makeFlatStore } from '../../lib/memory/flat-store.ts';
import { makeMemoryFlatWriter } from '../../lib/memory/flat-writer.ts';
import { openFlatRecords } from '../../lib/sqlite/flat-records.ts';
import { openFlatWriter } from '../../lib/sqlite/flat-writer.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { flatWriterContract } from './flat-writer.ts';

const schema = `
  CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
  CREATE TABLE events (stream TEXT NOT NULL, number INTEGER NOT NULL, payload TEXT, PRIMARY KEY (stream, number));
  CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
`;

flatWriterContract('memory', () => {
  const store = makeFlatStore(smallDefinition);
  return Promise.resolve({
    writer: makeMemoryFlatWriter(store),
    source: makeMemoryFlatSource(store),
    records: makeMemoryFlatRecords(store),
    stop: () => Promise.resolve(),
  });
});

flatWriterContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hal9-writer-'));
  const config = { kind: 'sqlite', path: join(directory, 'flat.sqlite') } as const;
  const database = new DatabaseSync(config.path);
  database.exec(schema);
  database.close();
  const source = openFlatSource(config, smallDefinition);
  const records = openFlatRecords(config, smallDefinition);
  return {
    writer: openFlatWriter(config, smallDefinition),
    source,
    records,
    async stop() {
      await source.close();
      records.close();
      await rm(directory, { recursive: true });
    },
  };
});
