import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { freshAssembly } from '../../local/cloud/assembly.ts';
import { findTableEngine } from '../../local/cloud/table-engine.ts';
import { captured, onlyDocument, type Outcome } from './captured-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'hal9-faults-'));
const good = join(root, 'good.sqlite');
const running = new Set<string>();
let count = 0;

beforeAll(async () => {
  await generateStore({ path: good, records: 300, seed: 2 });
  await freshAssembly(() => undefined);
}, 300_000);

afterEach(async () => {
  for (const dataDir of running) await captured(['local', 'down', '--data', dataDir]);
  running.clear();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function newDataDir(): string {
  count += 1;
  return join(root, `data-${count}`);
}

/** A copy of the good store, with something done to it. */
function storeWith(name: string, sql: string): string {
  const path = join(root, `${name}.sqlite`);
  writeFileSync(path, readFileSync(good));
  const store = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  store.exec(`PRAGMA journal_mode = DELETE; ${sql}`);
  store.close();
  return path;
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function up(dataDir: string, ...more: readonly string[]): Promise<Outcome> {
  running.add(dataDir);
  return captured(['local', 'up', '--detach', '--rate', '0', '--data', dataDir, '--json', ...more]);
}

describe('a source that cannot be migrated is refused with 10, named, and left as it was', () => {
  test.each([
    ['a table is missing', 'DROP TABLE flat_signals', 'table flat_signals is missing'],
    [
      'a column is missing',
      'ALTER TABLE flat_connections DROP COLUMN weight',
      'column flat_connections.weight is missing',
    ],
    [
      'a column has another type',
      'ALTER TABLE flat_users DROP COLUMN is_active; ALTER TABLE flat_users ADD COLUMN is_active TEXT',
      'column flat_users.is_active has text affinity where integer belongs',
    ],
  ])('%s', async (what, sql, message) => {
    const source = storeWith(what.replaceAll(' ', '-'), sql);
    const before = digest(source);
    const dataDir = newDataDir();

    const { code, out, err } = await up(dataDir, '--source', source);

    expect(code).toBe(10);
    expect(onlyDocument(out)).toMatchObject({ error: { name: 'SourceRejected', exitCode: 10 } });
    expect(err).toContain(`Error: The flat store ${source} cannot be migrated: ${message}.`);
    expect(err).toContain('Remedy: Bring the store to the schema');
    expect(digest(source)).toBe(before);
    // Mended, it may be given again.
    for (const left of ['flat.sqlite', 'flat.sqlite.draft', 'cloud.json']) {
      expect(existsSync(join(dataDir, left))).toBe(false);
    }
  });

  test('it is not there, is a folder without files of rows, or no database', async () => {
    const text = join(root, 'notes.txt');
    writeFileSync(text, 'dear diary');
    const nowhere = join(root, 'nowhere.sqlite');

    const answers = [
      await up(newDataDir(), '--source', nowhere),
      await up(newDataDir(), '--source', root),
      await up(newDataDir(), '--source', text),
    ];

    expect(answers.map(({ code }) => code)).toEqual([10, 10, 10]);
    expect(answers.map(({ err }) => err.split('\n')[0])).toEqual([
      `Error: There is no source file at ${nowhere}.`,
      `Error: The flat store ${root} cannot be migrated: there is no .jsonl or .ndjson file.`,
      `Error: ${text} is not an SQLite database.`,
    ]);
    expect(readFileSync(text, 'utf8')).toBe('dear diary');
  });
});

test('rows of the wrong type go to quarantine, are reported, and the others arrive', async () => {
  const source = storeWith(
    'wrong-rows',
    `UPDATE flat_neurons SET settings = x'00ff' WHERE rowid IN (SELECT rowid FROM flat_neurons LIMIT 2);
     UPDATE flat_users SET created_at = 'yesterday' WHERE rowid IN (SELECT rowid FROM flat_users LIMIT 1);`,
  );
  const before = digest(source);
  const dataDir = newDataDir();
  await up(dataDir, '--source', source);

  const migrated = await captured(['state', 'migrate', '--json', '--data', dataDir], process.env);
  const verified = await captured(['state', 'verify', '--json', '--data', dataDir], process.env);

  const { quarantined, rows } = onlyDocument(migrated.out) as { quarantined: number; rows: number };
  expect(migrated.code).toBe(0);
  expect(rows).toBe(300);
  expect(quarantined).toBeGreaterThanOrEqual(3);
  expect(verified.code).toBe(0);
  expect(onlyDocument(verified.out)).toMatchObject({
    outcome: 'verified',
    total: { total: 300, quarantined, verified: 300 - quarantined, pending: 0 },
  });
  expect(digest(source)).toBe(before);

  const second = await up(dataDir, '--source', source);
  expect(second.code).toBe(9);
  expect(second.err).toContain(`Error: A local cloud already runs in ${dataDir} (process `);
  expect(second.err).toContain('hal9-migrate local down');
});

describe('a local cloud that cannot start says why', () => {
  test('its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;

    const { code, err } = await up(newDataDir(), '--port', String(port), '--source', good);
    server.close();

    expect(code).toBe(9);
    expect(err).toContain(`Error: Port ${port} on 127.0.0.1 is taken`);
    expect(err).toContain('Remedy: Choose another port');
  });

  test('the engine that it was told to use does not answer, or there is none', async () => {
    process.env['LOCAL_DDB_ENDPOINT'] = 'http://127.0.0.1:9';
    const unreachable = await up(newDataDir(), '--source', good);
    delete process.env['LOCAL_DDB_ENDPOINT'];

    expect(unreachable.code).toBe(11);
    expect(onlyDocument(unreachable.out)).toMatchObject({
      error: { name: 'TableEngineUnreachable', facts: { url: 'http://127.0.0.1:9' } },
    });
    expect(() => findTableEngine('/nowhere', '@dynoxide/of-another-machine')).toThrow(
      expect.objectContaining({ name: 'TableEngineMissing', exit: 'unavailable' }),
    );
  });

  test('what describes it is broken', async () => {
    const dataDir = newDataDir();
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'cloud.json'), '{"state":');

    for (const line of ['local up --detach', 'local status', 'local down', 'status', 'state migrate']) {
      const { code, err } = await captured([...line.split(' '), '--data', dataDir]);

      expect(code).toBe(9);
      expect(err).toContain(`Error: ${join(dataDir, 'cloud.json')} is not a description of a local cloud.`);
      expect(err).toContain('Remedy: ');
    }
  });
});

/** A small file system of its own; null where this user may not mount one. */
function mountSmall(at: string, options: string): (() => void) | null {
  mkdirSync(at, { recursive: true });
  try {
    execFileSync('/usr/bin/mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at], { stdio: 'pipe' });
  } catch {
    return null;
  }
  return () => execFileSync('/usr/bin/umount', ['-l', at]);
}

const probe = mountSmall(join(root, 'probe'), 'size=1m');
probe?.();

describe.skipIf(probe === null)('on a disk of its own (skipped where mounting is not allowed)', () => {
  test('a disk that cannot be written is named', async () => {
    const disk = join(root, 'read-only');
    const unmount = mountSmall(disk, 'size=1m,ro');

    const { code, err } = await up(join(disk, 'data'), '--source', good);
    unmount?.();

    expect(code).toBe(11);
    expect(err).toContain(`Error: The data directory ${join(disk, 'data')} cannot be written`);
  });

  test('a disk without room for the store is named', async () => {
    const disk = join(root, 'tiny');
    const unmount = mountSmall(disk, 'size=7m');

    const { code, err } = await up(disk, '--records', '20000');
    unmount?.();

    expect(code).toBe(11);
    expect(err).toContain(`Error: The disk of the data directory ${disk} is full`);
  });

  test('a disk that fills in the middle loses nothing: with more room the copy ends with the same totals', async () => {
    const disk = join(root, 'filling');
    const unmount = mountSmall(disk, 'size=60m');
    await up(disk, '--source', good);
    const ballast = join(disk, 'ballast');
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stdio: 'pipe' });
    } catch {
      // It ends when nothing is left, which is what it is for.
    }

    const full = await captured(
      ['state', 'migrate', '--timeout', '8', '--json', '--data', disk],
      process.env,
    );
    rmSync(ballast);
    await captured(['local', 'down', '--data', disk]);
    await up(disk);
    const resumed = await captured(['state', 'migrate', '--json', '--data', disk], process.env);
    const verified = await captured(['state', 'verify', '--json', '--data', disk], process.env);
    await captured(['local', 'down', '--data', disk]);
    unmount?.();

    expect(full.code).not.toBe(0);
    expect(onlyDocument(full.out)).toMatchObject({
      kind: 'Error',
      error: { remedy: expect.stringMatching(/\w/) as unknown },
    });
    expect(resumed.code).toBe(0);
    expect(onlyDocument(resumed.out)).toMatchObject({ rows: 300, complete: true });
    expect(onlyDocument(verified.out)).toMatchObject({
      outcome: 'verified',
      total: { total: 300, mismatches: 0, missing: 0, extra: 0, pending: 0 },
    });
  });
});
