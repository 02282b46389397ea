import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeMemoryFlatWriter } from '../../../../lib/memory/flat-writer.ts';
import { makeFlatStore } from '../../../../lib/memory/flat-store.ts';
import { makeMemoryHierarchicalRecords } from '../../../../lib/memory/hierarchical-records.ts';
import { makeMemoryQuarantineStore } from '../../../../lib/memory/quarantine-store.ts';
import { makeMemoryRangeStore } from '../../../../lib/memory/range-store.ts';
import { makeMemoryTargetStore } from '../../../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../../../lib/memory/world.ts';
import { compareRecord } from '../../../../lib/migration/compare-record.ts';
import { hal9Definition } from '../../../../lib/migration/hal9-definition.ts';
import {
  makeCheckIntegrity,
  type IntegrityReport,
} from '../../../../lib/migration/integrity/check-integrity.ts';
import { makeMigrateRange } from '../../../../lib/migration/migrate-range.ts';
import { makePlanBackfill } from '../../../../lib/migration/plan-backfill.ts';
import type { KeyPart } from '../../../../lib/migration/row.ts';
import { convertRow } from '../../../../lib/migration/convert-image.ts';
import type { RangePage, RangeTask } from '../../../../lib/migration/ports.ts';
import { makeRepairKeys } from '../../../../lib/migration/repair-keys.ts';
import { keyOfPk, recordPk } from '../../../../lib/migration/key.ts';
import { replayPage } from '../../../../lib/migration/replay-quarantine.ts';
import { categoriesOf, tableOf, tablesOf } from '../../../../lib/migration/table-lookup.ts';
import { generateStore } from '../../../../lib/sqlite/generate-store.ts';
import { openFlatSource } from '../../../../lib/sqlite/open-flat-source.ts';

const directory = mkdtempSync(join(tmpdir(), 'hal9-corruption-'));
const path = join(directory, 'flat.sqlite');
const records = 9_000;

/** One of each class in a thousand records, and all of them in the flat store or, after the copy, on the target. */
const sourceDamage: Readonly<Record<string, { sql: string; undo: string; reason: RegExp }>> = {
  'invalid JSON': {
    sql: `UPDATE flat_learning SET payload = '{"a":}' WHERE id = (SELECT min(id) FROM flat_learning)`,
    undo: `UPDATE flat_learning SET payload = '{"a":1}' WHERE payload = '{"a":}'`,
    reason: /^learning\/.* InvalidJson$/,
  },
  'a body that ends too early': {
    sql: `UPDATE flat_config SET value = '{"a":{"b":[1,2' WHERE (scope, path) IN (SELECT scope, path FROM flat_config LIMIT 1)`,
    undo: `UPDATE flat_config SET value = '{"a":{"b":[1,2]}}' WHERE value = '{"a":{"b":[1,2'`,
    reason: /^config\/.* InvalidJson$/,
  },
  'a value of the wrong type': {
    sql: `UPDATE flat_signals SET content = x'dead' WHERE id = (SELECT min(id) FROM flat_signals)`,
    undo: `UPDATE flat_signals SET content = 'mended' WHERE content = x'dead'`,
    reason: /^signal\/.* \w*(Type|Text|Blob|Storage)\w*$/,
  },
  NaN: {
    sql: `UPDATE flat_neurons SET weights = '[0.5,NaN]' WHERE neuron_key = (SELECT min(neuron_key) FROM flat_neurons)`,
    undo: `UPDATE flat_neurons SET weights = '[0.5]' WHERE weights LIKE '%NaN%'`,
    reason: /^neuron\/.* InvalidJson$/,
  },
  Infinity: {
    sql: `UPDATE flat_neurons SET weights = '[0.5,1e999]' WHERE neuron_key = (SELECT max(neuron_key) FROM flat_neurons)`,
    undo: `UPDATE flat_neurons SET weights = '[0.5]' WHERE weights LIKE '%1e999%'`,
    reason: /^neuron\/.* InvalidNumberList$/,
  },
  'a row that is too large': {
    sql: `UPDATE flat_learning SET payload = '"' || replace(hex(zeroblob(8500000)), '00', 'xy') || '"' WHERE id = (SELECT max(id) FROM flat_learning)`,
    undo: `UPDATE flat_learning SET payload = '{"a":2}' WHERE length(payload) > 4000000`,
    reason: /^learning\/.* RecordTooLarge$/,
  },
};

const reported: Readonly<Record<string, string>> = {
  'an edge to nowhere': `UPDATE flat_connections SET target = 'nobody' WHERE id = (SELECT max(id) FROM flat_connections)`,
  'a missing audit record': `DELETE FROM flat_metadata WHERE kind = 'audit' AND seq = 3`,
};

function execute(sql: string): void {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(sql);
  database.close();
}

async function copied() {
  const clock = { nowMs: () => 1_700_000_000_000 };
  const world = makeMemoryWorld();
  const deps = {
    definition: hal9Definition,
    clock,
    source: openFlatSource({ kind: 'sqlite', path }, hal9Definition),
    target: makeMemoryTargetStore(world),
    ranges: makeMemoryRangeStore(world, clock),
    quarantine: makeMemoryQuarantineStore(world),
    hierarchical: makeMemoryHierarchicalRecords(world),
    // Authority stays with flat, where a replay goes to the target only.
    flatWriter: makeMemoryFlatWriter(makeFlatStore(hal9Definition)),
  };
  const tasks: RangeTask[] = [];
  const queue = {
    send: (sent: readonly RangeTask[]) => {
      tasks.push(...sent);
      return Promise.resolve();
    },
  };
  await deps.source.installChangeLog();
  await makePlanBackfill({ ...deps, queue }).plan('run');
  const outcomes = [];
  for (const task of tasks) outcomes.push(await makeMigrateRange(deps)(task, 'worker'));
  return { deps, world, outcomes };
}

/** The generator's own damage would be in the way. */
async function removeRejected(): Promise<void> {
  const source = openFlatSource({ kind: 'sqlite', path }, hal9Definition);
  for (const table of hal9Definition.tables) {
    let after: readonly KeyPart[] | null = null;
    do {
      const page: RangePage = await source.readRange(table.recordType, { after, upTo: null }, 1_000);
      for (const { row, keyParts } of page.images) {
        if (row === null || convertRow(row, table, 0).kind === 'converted') continue;
        const where = table.keyColumns.map((name, at) => `${name} = ${literal(keyParts[at])}`).join(' AND ');
        execute(`DELETE FROM ${table.table} WHERE ${where}`);
      }
      after = page.nextAfter;
    } while (after !== null);
  }
  await source.close();
  const neurons = 'SELECT neuron_key FROM flat_neurons';
  execute(`DELETE FROM flat_connections WHERE source NOT IN (${neurons}) OR target NOT IN (${neurons})`);
}

function literal(part: KeyPart | undefined): string {
  return typeof part === 'bigint' ? part.toString() : `'${(part ?? '').replaceAll("'", "''")}'`;
}

type System = Awaited<ReturnType<typeof copied>>;

async function integrity(
  { deps }: System,
  categories = categoriesOf(hal9Definition),
): Promise<IntegrityReport> {
  const check = makeCheckIntegrity(deps);
  let cursor: string | null = null;
  for (;;) {
    const answer = await check(categories, cursor, 0);
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}

async function quarantined({ deps }: System): Promise<readonly string[]> {
  const found: string[] = [];
  for (const category of categoriesOf(hal9Definition)) {
    const { entries } = await deps.quarantine.list(category, null, 1_000);
    found.push(...entries.map(({ key, errorName }) => `${recordPk(key)} ${errorName}`));
  }
  return found;
}

/** Verdicts of every key of both sides. */
async function verdicts({ deps, world }: System): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const nowMs = deps.clock.nowMs();
  for (const category of categoriesOf(hal9Definition)) {
    const keys = new Set(
      [...world.records.values()].filter((one) => one.category === category).map(({ key }) => recordPk(key)),
    );
    for (const { recordType } of tablesOf(hal9Definition, category)) {
      const { images } = await deps.source.readRange(recordType, { after: null, upTo: null }, 100_000);
      for (const { key } of images) keys.add(recordPk(key));
    }
    const all = [...keys].map(keyOfPk);
    const { images } = await deps.source.readCurrent(category, all);
    const stored = await deps.target.read(all);
    for (const { key, row } of images) {
      const pair = { row, stored: stored.get(recordPk(key)) };
      const table = tableOf(hal9Definition, key.recordType);
      const verdict = compareRecord(pair, table, { nowMs, authority: 'flat' });
      counts[verdict] = (counts[verdict] ?? 0) + 1;
    }
  }
  return counts;
}

beforeAll(async () => {
  await generateStore({ path, records, seed: 5 });
  await removeRejected();
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('nine classes of corruption in one store', () => {
  test('are all quarantined or reported with their reason; the copy completes; replay after repair is exact', async () => {
    for (const { sql } of Object.values(sourceDamage)) execute(sql);
    for (const sql of Object.values(reported)) execute(sql);
    const system = await copied();
    const { deps, world } = system;
    const inQuarantine = await quarantined(system);

    expect(system.outcomes.every(({ kind }) => kind === 'completed')).toBe(true);
    for (const [name, { reason }] of Object.entries(sourceDamage)) {
      expect([name, inQuarantine.filter((entry) => reason.test(entry)).length]).toEqual([name, 1]);
    }

    const live = [...world.records.values()].filter(
      ({ state, key }) => state === 'live' && key.recordType === 'neuron',
    );
    const [flipped, cut, one, other] = live.slice(10);
    world.records.set(recordPk(flipped!.key), {
      ...flipped!,
      body: flipped!.body!.replace(/"created_at":"2/, '"created_at":"3'),
    });
    world.records.set(recordPk(cut!.key), { ...cut!, body: cut!.body!.slice(0, -20) });
    world.records.set(recordPk(one!.key), { ...one!, body: other!.body });
    world.records.set(recordPk(other!.key), { ...other!, body: one!.body });
    const report = await integrity(system);

    expect(report.counts).toEqual({
      HashMismatch: 1,
      TruncatedBody: 1,
      SwappedBody: 2,
      DanglingEdge: 1,
      AuditGap: 1,
    });
    expect(report.findings.find(({ fault }) => fault === 'DanglingEdge')?.detail).toBe(
      'its target is no neuron that there is',
    );
    expect(report.findings.find(({ fault }) => fault === 'AuditGap')?.detail).toBe(
      '3 to 3 are missing before it',
    );
    expect(report.scanned.records).toBe(world.records.size);
    expect((await integrity(system, ['metadata'])).counts).toEqual({ AuditGap: 1 });
    const ofSessions = await integrity(system, ['user-sessions']);
    expect(ofSessions).toMatchObject({ counts: {}, findings: [], scanned: { rows: 0 } });
    expect(ofSessions.scanned.records).toBeGreaterThan(0);
    expect(await verdicts(system)).toMatchObject({ mismatch: 4, quarantined: inQuarantine.length });

    for (const { undo } of Object.values(sourceDamage)) execute(undo);
    for (const category of categoriesOf(hal9Definition)) {
      const { counts } = await replayPage(deps, category, null);
      expect(counts['still-rejected']).toBe(0);
    }
    const damaged = [flipped!, cut!, one!, other!].map(({ key }) => key);
    await makeRepairKeys(deps)('neuron-states', damaged);

    expect(await quarantined(system)).toEqual([]);
    expect(Object.keys(await verdicts(system))).toEqual(['verified']);
    expect((await integrity(system)).counts).toEqual({ DanglingEdge: 1, AuditGap: 1 });
    await deps.source.close();
  }, 30_000);
});
