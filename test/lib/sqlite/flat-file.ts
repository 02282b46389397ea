import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterEach } from 'vitest';

import type { MigrationDefinition } from '../../../lib/migration/definition.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import type { FlatRow } from '../../../lib/migration/row.ts';
import { openFlatRecords, type SqliteFlatRecords } from '../../../lib/sqlite/flat-records.ts';
import { flatSchemaSql } from '../../../lib/sqlite/flat-schema.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';

/** A flat store in a directory of its own, with a legacy writer that knows nothing of us; gone after the test. */
export interface FlatFile {
  readonly path: string;
  readonly legacy: DatabaseSync;
  readonly source: (definition?: MigrationDefinition) => FlatSource;
  readonly records: () => SqliteFlatRecords;
}

const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-sqlite-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function makeFlatFile(schema: string = flatSchemaSql(hal9Definition)): FlatFile {
  const path = join(temporaryDirectory(), 'flat.sqlite');
  const legacy = new DatabaseSync(path, { enableForeignKeyConstraints: true });
  cleanups.push(() => {
    if (legacy.isOpen) legacy.close();
  });
  legacy.exec(schema);
  const config = { kind: 'sqlite' as const, path };
  return {
    path,
    legacy,
    source(definition = hal9Definition) {
      const source = openFlatSource(config, definition);
      cleanups.push(() => source.close());
      return source;
    },
    records() {
      const records = openFlatRecords(config, hal9Definition);
      cleanups.push(() => records.close());
      return records;
    },
  };
}

const common = { updated_at: 1n, version: 1n, checksum: null, organization_id: null };

export function userRow(id: string, more: FlatRow = {}): FlatRow {
  return {
    id,
    username: `name of ${id}`,
    email: null,
    role: 'user',
    is_active: 1n,
    last_login: null,
    created_at: 1n,
    ...common,
    ...more,
  };
}

export function neuronRow(key: string): FlatRow {
  return {
    neuron_key: key,
    id: `row-${key}`,
    neuron_id: null,
    declared_layer: 'L2',
    neuron_type: 'worker',
    role: null,
    state: 'idle',
    system_prompt: null,
    settings: null,
    activation: 0.5,
    weights: '[0.5]',
    biases: null,
    learning_rate: 0.5,
    momentum: null,
    memory: null,
    context: null,
    avg_response_time_ms: 250.5,
    connection_count: 0n,
    is_async: 0n,
    created_at: 1n,
    ...common,
  };
}

export function connectionRow(source: string, target: string): FlatRow {
  return {
    source,
    target,
    conn_type: 'forward',
    id: `${source}-${target}`,
    weight: 0.5,
    ordinal: 0n,
    metadata: null,
    ...common,
  };
}

/** Plain SQL, as a legacy process writes it. */
export function insertUser(
  legacy: DatabaseSync,
  id: string,
  username = `name of ${id}`,
  verb = 'INSERT',
): void {
  legacy
    .prepare(
      `${verb} INTO flat_users (id, username, role, is_active, created_at, updated_at, version)
       VALUES (?, ?, 'user', 1, 1, 1, 1)`,
    )
    .run(id, username);
}

export function insertSession(
  legacy: DatabaseSync,
  id: string,
  userId: string,
  token = `token of ${id}`,
): void {
  legacy
    .prepare(
      `INSERT INTO flat_sessions (id, user_id, token_hash, created_at, expires_at, updated_at, version)
       VALUES (?, ?, ?, 1, 2, 1, 1)`,
    )
    .run(id, userId, token);
}

/** Record type and id of every change that the log holds, oldest first, with what is there now. */
export async function changesOf(
  source: FlatSource,
  category: Parameters<FlatSource['readChanges']>[0],
  after = 0,
): Promise<readonly string[]> {
  const { images } = await source.readChanges(category, after, 10_000);
  return images.map(({ key, row }) => `${key.recordType}/${key.id}${row === null ? ' gone' : ''}`);
}
