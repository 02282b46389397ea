import { mkdtemp, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeOfflineFlatSource } from '../../../lib/jsonl/flat-source.ts';
import { makeLocalFiles } from '../../../lib/jsonl/local-files.ts';
import { makeLocalIndexes } from '../../../lib/jsonl/local-indexes.ts';
import { makeOfflineStore } from '../../../lib/jsonl/offline-store.ts';
import { makeMemoryOfflineLedger } from '../../../lib/memory/offline-ledger.ts';
import type { MigrationDefinition } from '../../../lib/migration/definition.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { convertImage } from '../../../lib/migration/convert-image.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { smallDefinition } from '../../simulation/definition.ts';

let directory: string;
let source: FlatSource | null = null;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hal9-jsonl-'));
});
afterEach(async () => {
  await source?.close();
  source = null;
  await rm(directory, { recursive: true, force: true });
});

const good = { 'sessions.jsonl': '', 'events.jsonl': '', 'notes.jsonl': '' };

async function open(
  files: Readonly<Record<string, string | Uint8Array>>,
  definition: MigrationDefinition = smallDefinition,
): Promise<FlatSource> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  return openAt(directory, definition);
}

function openAt(place: string, definition: MigrationDefinition = smallDefinition): FlatSource {
  source = makeOfflineFlatSource(
    makeOfflineStore({
      files: makeLocalFiles(place),
      indexes: makeLocalIndexes(join(directory, 'index')),
      ledger: makeMemoryOfflineLedger(),
      definition,
    }),
  );
  return source;
}

async function refusal(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const opened = await open(files);
  const fault: unknown = await opened.inspect().catch((error: unknown) => error);
  expect(fault).toMatchObject({ name: 'SourceRejected', exit: 'sourceRejected' });
  return (fault as Error).message;
}

async function onlyRow(files: Readonly<Record<string, string>>, recordType = 'session') {
  const { images } = await (await open(files)).readRange(recordType, { after: null, upTo: null }, 10);
  expect(images).toHaveLength(1);
  return images[0]!.row;
}

describe('files that cannot be migrated as they are', () => {
  it('names file and line of what is no JSON, all of them at once', async () => {
    const lines = '{"id":"a"}\n{"id":\nnull\n[]\n';

    const message = await refusal({ ...good, 'sessions.jsonl': lines });

    expect(message).toMatch(/sessions\.jsonl:2: .*JSON/);
    expect(message).toContain('sessions.jsonl:3: its row is no object');
    expect(message).toContain('sessions.jsonl:4: its row is no object');
  });

  it('refuses bytes that are no text', async () => {
    const bytes = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]);

    expect(await refusal({ ...good, 'sessions.jsonl': bytes })).toContain('sessions.jsonl:1: ');
  });

  it('names both places of a key that is there twice, in one file or in two', async () => {
    const message = await refusal({
      ...good,
      'sessions.jsonl': '{"id":"a","payload":"1"}\n{"id":"a","payload":"2"}\n',
      'notes-1.jsonl': '{"id":"n","payload":"1"}\n',
      'notes-2.jsonl': '\n{"id":"n","payload":"1"}\n',
    });

    expect(message).toContain('sessions.jsonl:2: sessions has the key (a) twice, first in line 1');
    expect(message).toContain('notes-2.jsonl:2: notes has the key (n) twice, first in notes-1.jsonl:1');
  });

  it('refuses a row without key, with a key of another type, and with one that no store can hold', async () => {
    const message = await refusal({
      ...good,
      'sessions.jsonl': `{"payload":"x"}\n{"id":1.5}\n{"id":"${'k'.repeat(901)}"}\n{"id":"\\ud800"}\n`,
      'events.jsonl': '{"stream":"s","number":9223372036854775808,"payload":""}\n',
    });

    expect(message).toContain('sessions.jsonl:1: its key column sessions.id holds no text or integer');
    expect(message).toContain('sessions.jsonl:2: its key column sessions.id holds no text or integer');
    expect(message).toContain('sessions.jsonl:3: its key has 901 bytes');
    expect(message).toContain('sessions.jsonl:4: its key column sessions.id holds half a character');
    expect(message).toContain('events.jsonl:1: its key column events.number has more than 64 bits');
  });

  it('refuses a table without file and a column that no row has', async () => {
    expect(await refusal({ 'sessions.jsonl': '', 'notes.jsonl': '' })).toContain('table events is missing');
    expect(await refusal({ ...good, 'sessions.jsonl': '{"id":"a"}\n' })).toContain(
      'column sessions.payload is in no row',
    );
  });

  it('refuses a place without such files, and rows in a form that would be left out', async () => {
    expect(await refusal({ 'readme.txt': '' })).toContain('there is no .jsonl or .ndjson file');
    expect(await refusal({ ...good, 'sessions-2.jsonl.gz': '' })).toContain(
      'sessions-2.jsonl.gz is no plain',
    );
    await expect(openAt(join(directory, 'nowhere')).inspect()).rejects.toMatchObject({
      name: 'SourceMissing',
    });
  });

  it('refuses lines that name no table of the migration', async () => {
    const message = await refusal({
      ...good,
      'export.jsonl': '{"table":"users","row":{}}\n{"id":"a"}\n{"table":"notes","row":{"id":"n"},"x":1}\n',
    });

    expect(message).toContain('export.jsonl:1: the migration has no table users');
    expect(message).toContain('export.jsonl:2: it is not {"table": ..., "row": ...}');
    expect(message).toContain('export.jsonl:3: it is not {"table": ..., "row": ...}');
  });

  it('stops listing at twenty', async () => {
    const message = await refusal({ ...good, 'sessions.jsonl': 'x\n'.repeat(100) });

    expect(message).toContain('sessions.jsonl:20: ');
    expect(message).not.toContain('sessions.jsonl:21: ');
    expect(message).toContain('and perhaps more');
  });

  it('leaves no half index behind', async () => {
    const opened = await open({ ...good, 'sessions.jsonl': 'x\n' });
    await expect(opened.inspect()).rejects.toMatchObject({ name: 'SourceRejected' });

    await writeFile(join(directory, 'sessions.jsonl'), '{"id":"a","payload":null}\n');

    expect(await opened.countRows('session')).toBe(1);
  });
});

describe('rows of files', () => {
  it('keeps numbers exactly, and gives what JSON has no form for', async () => {
    const line = `{"id":"a","payload":null,"whole":9007199254740993,"real":1.0,"small":1e-7,"minus":-0,
      "yes":true,"inner":{"n":12345678901234567890,"l":[1.50,"ü"]},"int":{"$i":"7"},"inf":{"$r":"Infinity"},"bytes":{"$b":"AQI="}}`;

    expect(await onlyRow({ ...good, 'sessions.jsonl': `\uFEFF${line.replace(/\n\s*/, '')}\r\n\n` })).toEqual({
      id: 'a',
      payload: null,
      whole: 9_007_199_254_740_993n,
      real: 1,
      small: 1e-7,
      minus: -0,
      yes: 1n,
      inner: '{"n":12345678901234567890,"l":[1.50,"ü"]}',
      int: 7n,
      inf: Number.POSITIVE_INFINITY,
      bytes: new Uint8Array([1, 2]),
    });
  });

  it('reads a file whose lines name their tables, a folder of a table, and numbered parts', async () => {
    const opened = await open({
      'all.ndjson': '{"table":"sessions","row":{"id":"s","payload":"x"}}',
      'events/2024/a.jsonl': '{"stream":"a","number":1,"payload":"x"}\n',
      'notes.part-1.jsonl': '{"id":"n1","payload":"x"}\n',
      'notes-0002.jsonl': '{"id":"n2","payload":"x"}\n',
    });

    expect((await opened.inspect()).map(({ table, rowCount }) => [table, rowCount])).toEqual([
      ['sessions', 1],
      ['events', 1],
      ['notes', 2],
    ]);
  });

  it('reads one file', async () => {
    const rows = ['sessions', 'events', 'notes'].map((table) => ({
      table,
      row: { id: 'x', stream: 'x', number: 1, payload: 'y' },
    }));
    await open({ 'one.jsonl': rows.map((row) => `${JSON.stringify(row)}\n`).join('') });

    expect(await openAt(join(directory, 'one.jsonl')).countRows('note')).toBe(1);
  });

  it('puts a row whose value has another type into quarantine, and goes on', async () => {
    const names = hal9Definition.tables.map(({ table }) => [`${table}.jsonl`, ''] as const);
    const table = tableOf(hal9Definition, 'session');
    const row = Object.fromEntries(
      table.columns.map(({ name, storage }) => [name, storage === 'text' ? 7 : 'text']),
    );
    const lines = `${JSON.stringify({ ...row, [table.keyColumns[0]!]: 'a' })}\n`;
    const opened = await open(
      { ...Object.fromEntries(names), [`${table.table}.jsonl`]: lines },
      hal9Definition,
    );

    const { images, lowWatermark } = await opened.readRange('session', { after: null, upTo: null }, 10);

    expect(convertImage(images[0]!, table, { nowMs: 0, lowWatermark })).toMatchObject({
      kind: 'quarantined',
    });
  });

  it('counts what derived values count', async () => {
    const tables = smallDefinition.tables.map((table) =>
      table.recordType === 'session'
        ? { ...table, derived: [{ name: 'notes', countOf: 'notes', where: { payload: 'id' } }] }
        : table,
    );
    const opened = await open(
      {
        ...good,
        'sessions.jsonl': '{"id":"a","payload":"x"}\n{"id":"b","payload":"x"}\n',
        'notes.jsonl': '{"id":"1","payload":"a"}\n{"id":"2","payload":"a"}\n{"id":"3","payload":null}\n',
      },
      { ...smallDefinition, tables },
    );

    const { images } = await opened.readRange('session', { after: null, upTo: null }, 10);

    expect(images.map(({ row }) => row?.['derived.notes'])).toEqual([2n, 0n]);
  });

  it('ends a page early when its rows are long, and misses none', async () => {
    const long = 'x'.repeat(3_000_000);
    const lines = ['a', 'b', 'c', 'd'].map((id) => `${JSON.stringify({ id, payload: long })}\n`).join('');
    const opened = await open({ ...good, 'sessions.jsonl': lines });

    const first = await opened.readRange('session', { after: null, upTo: null }, 10);
    const rest = await opened.readRange('session', { after: first.nextAfter, upTo: null }, 10);

    expect(first.images.map(({ key }) => key.id)).toEqual(['a', 'b']);
    expect(rest.images.map(({ key }) => key.id)).toEqual(['c', 'd']);
  });
});

describe('files that change while they are copied', () => {
  const lines = '{"id":"a","payload":"x"}\n{"id":"b","payload":"y"}\n';

  it('refuses a row whose bytes changed although size and time are as they were', async () => {
    const opened = await open({ ...good, 'sessions.jsonl': lines });
    await opened.installChangeLog();
    const old = new Date(1_000_000_000_000);
    await writeFile(join(directory, 'sessions.jsonl'), lines.replace('"x"', '"z"'));
    await utimes(join(directory, 'sessions.jsonl'), old, old);

    await expect(opened.readRange('session', { after: null, upTo: null }, 10)).rejects.toMatchObject({
      name: 'SourceChanged',
      message: expect.stringContaining('sessions.jsonl') as string,
    });
  });

  it('refuses a line that is not the one that was read first, whatever the file says of itself', async () => {
    await open({ ...good, 'sessions.jsonl': lines });
    const files = makeLocalFiles(directory);
    source = makeOfflineFlatSource(
      makeOfflineStore({
        files: {
          ...files,
          read: async (...at) =>
            Buffer.from(
              Buffer.from(await files.read(...at))
                .toString()
                .replace('x', 'z'),
            ),
        },
        indexes: makeLocalIndexes(join(directory, 'index')),
        ledger: makeMemoryOfflineLedger(),
        definition: smallDefinition,
      }),
    );

    await expect(source.readRange('session', { after: null, upTo: null }, 10)).rejects.toThrow(
      'sessions.jsonl:1 is another line',
    );
  });

  it('refuses a file that is new, and one that is gone', async () => {
    const opened = await open({ ...good, 'sessions.jsonl': lines });
    await opened.installChangeLog();

    await writeFile(join(directory, 'notes-2.jsonl'), '');
    await expect(opened.fence('user-sessions', 1)).rejects.toThrow('notes-2.jsonl is new');
    await rm(join(directory, 'notes-2.jsonl'));
    await rm(join(directory, 'sessions.jsonl'));

    await expect(opened.fence('user-sessions', 1)).rejects.toThrow('sessions.jsonl is gone');
  });
});
