import { expect, test } from 'vitest';

import type { MigrationDefinition } from '../../../lib/migration/definition.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { changesOf, makeFlatFile, type FlatFile } from './flat-file.ts';

const category = 'user-sessions';

function definitionWhere(where: string): MigrationDefinition {
  const [session] = smallDefinition.tables;
  return { ...smallDefinition, tables: [{ ...session!, where }] };
}

async function installed(
  schema: string,
  where = `payload = 'in'`,
): Promise<FlatFile & { readonly flat: FlatSource }> {
  const file = makeFlatFile(schema);
  const flat = file.source(definitionWhere(where));
  await flat.installChangeLog();
  return { ...file, flat };
}

const plain = 'CREATE TABLE sessions (id TEXT PRIMARY KEY NOT NULL, payload TEXT, token TEXT UNIQUE)';

test.each(['INSERT OR REPLACE', 'REPLACE'])(
  '%s with a row that is none takes a record away',
  async (verb) => {
    const { legacy, flat } = await installed(plain);
    legacy.exec(`INSERT INTO sessions VALUES ('a', 'in', NULL), ('b', 'in', 't')`);
    const before = (await flat.lowWatermark(category)).sequence;

    legacy.exec(`${verb} INTO sessions VALUES ('a', 'out', NULL)`);
    legacy.exec(`${verb} INTO sessions VALUES ('c', 'out', 't')`);

    expect(await changesOf(flat, category, before)).toEqual(['session/a gone', 'session/b gone']);
  },
);

test('a record gives way to the new key of a row that is none', async () => {
  const { legacy, flat } = await installed(plain);
  legacy.exec(`INSERT INTO sessions VALUES ('a', 'in', NULL), ('b', 'out', NULL)`);
  const before = (await flat.lowWatermark(category)).sequence;

  legacy.exec(`UPDATE OR REPLACE sessions SET id = 'a' WHERE id = 'b'`);

  expect(await changesOf(flat, category, before)).toEqual(['session/a gone']);
});

test.each([
  `REPLACE INTO sessions VALUES ('a', 'out', NULL)`,
  `REPLACE INTO sessions VALUES ('c', 'out', 't')`,
  `UPDATE OR REPLACE sessions SET id = 'a' WHERE id = 'b'`,
])('a fence holds up what would take a record away: %s', async (sql) => {
  const { legacy, flat } = await installed(plain);
  legacy.exec(`INSERT INTO sessions VALUES ('a', 'in', 't'), ('b', 'out', NULL)`);
  await flat.fence(category, 1);

  expect(() => legacy.exec(sql)).toThrow(/is fenced/);
});

test('the affinity of a column counts in the triggers as it does in reading', async () => {
  const schema = 'CREATE TABLE sessions (id TEXT PRIMARY KEY NOT NULL, payload TEXT, size INTEGER)';
  const { legacy, flat } = await installed(schema, `size = '5'`);

  legacy.exec(`INSERT INTO sessions VALUES ('a', NULL, 5), ('b', NULL, 6)`);
  expect(await changesOf(flat, category)).toEqual(['session/a']);
  legacy.exec('UPDATE sessions SET size = size + 1');

  expect(await changesOf(flat, category)).toEqual(['session/a gone']);
  expect(await flat.countRows('session')).toBe(0);
});

test('one change of a record is one entry, whatever the clause of its statement', async () => {
  const { legacy, flat } = await installed(plain);
  const written = [
    `INSERT OR ABORT INTO sessions VALUES ('a', 'in', NULL)`,
    `INSERT OR IGNORE INTO sessions VALUES ('a', 'in', NULL)`,
    `UPDATE OR FAIL sessions SET payload = 'in', token = 'x' WHERE id = 'a'`,
    `INSERT INTO sessions VALUES ('a', 'in', 'y') ON CONFLICT (id) DO UPDATE SET token = 'y'`,
    `UPDATE OR ROLLBACK sessions SET payload = 'out' WHERE id = 'a'`,
  ];

  for (const sql of written) legacy.exec(sql);

  expect((await flat.readChanges(category, 0, 100)).entryCount).toBe(4);
  expect(legacy.prepare('SELECT count(*) AS count FROM _mig_noted').get()).toEqual({ count: 0 });
});

test('a generated column can say what is a record', async () => {
  const schema =
    'CREATE TABLE sessions (id TEXT PRIMARY KEY NOT NULL, payload TEXT, kind TEXT AS (substr(payload, 1, 2)) VIRTUAL)';
  const { legacy, flat } = await installed(schema, `kind = 'in'`);

  legacy.exec(`INSERT INTO sessions VALUES ('a', 'inside'), ('b', 'outside')`);
  legacy.exec(`UPDATE sessions SET payload = 'outside' WHERE id = 'a'`);

  expect(await changesOf(flat, category)).toEqual(['session/a gone']);
});
