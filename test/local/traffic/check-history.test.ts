import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { checkHistory, isClean } from '../../../local/traffic/check-history.ts';
import type { HistoryEntry } from '../../../local/traffic/history.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hal9-history-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function record(entries: readonly HistoryEntry[]): string {
  const path = join(dir, 'history.jsonl');
  writeFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return path;
}

function written(i: number, k: string, v: string | null, t: number): readonly HistoryEntry[] {
  return [
    { e: 'invoke', i, k, u: 'u1', v, t },
    { e: 'ok', i, k, t: t + 1, s: 200 },
  ];
}

test('each kind of violation is counted with its evidence', async () => {
  const historyPath = record([
    { e: 'initial', k: 'user/a', v: '=old' },
    ...written(1, 'user/a', 't1', 1),
    { e: 'read', i: 2, k: 'user/a', u: 'u2', v: '=old', t: 5, d: 6 },
    ...written(3, 'session/b', 't3', 1),
    ...written(4, 'session/b', null, 3),
    ...written(5, 'config/c', 't5', 1),
  ]);
  const finals: Record<string, string | null> = { 'user/a': 't1', 'session/b': 't3', 'config/c': null };

  const report = await checkHistory({
    historyPath,
    readFinal: (key) => Promise.resolve(finals[key] ?? null),
  });

  expect(report).toMatchObject({ keys: 3, acknowledgedWrites: 4, reads: 1 });
  expect(report).toMatchObject({ lostWrites: 1, staleReads: 1, resurrections: 1, unexplainedReads: 0 });
  expect(report.evidence.map(({ violation }) => [violation.kind, violation.key])).toEqual([
    ['stale-read', 'user/a'],
    ['resurrection', 'session/b'],
    ['lost-write', 'config/c'],
  ]);
  expect(isClean(report)).toBe(false);
});

test('a write without an end, or with an unknown one, may be there; a refused one may not', async () => {
  const historyPath = record([
    { e: 'invoke', i: 1, k: 'user/a', u: 'u1', v: 't1', t: 1 },
    { e: 'invoke', i: 2, k: 'user/b', u: 'u1', v: 't2', t: 1 },
    { e: 'info', i: 2, k: 'user/b', t: 2, s: 502 },
    { e: 'invoke', i: 3, k: 'user/c', u: 'u1', v: 't3', t: 1 },
    { e: 'fail', i: 3, k: 'user/c', t: 2, s: 422 },
    { e: 'unread', i: 4, k: 'user/c', t: 3, s: 0 },
  ]);
  const finals: Record<string, string> = { 'user/a': 't1', 'user/b': 't2', 'user/c': 't3' };

  const report = await checkHistory({
    historyPath,
    readFinal: (key) => Promise.resolve(finals[key] ?? null),
  });

  expect(report).toMatchObject({ unknownWrites: 2, refusedWrites: 1, acknowledgedWrites: 0 });
  expect(report.evidence.map(({ violation }) => violation.key)).toEqual(['user/c']);
});

function lastTokenButOne(key: string): Promise<string> {
  return Promise.resolve(key === 'session/7' ? 't7' : `t${55_000 + Number(key.slice(8))}`);
}

test('a long history is checked in parts, quickly, with the same answer, and leaves no files behind', async () => {
  const entries: HistoryEntry[] = [];
  for (let i = 0; i < 60_000; i += 1) {
    const key = `session/${i % 5_000}`;
    entries.push(...written(i, key, `t${i}`, i * 4));
    entries.push({ e: 'read', i: 100_000 + i, k: key, u: 'u2', v: `t${i}`, t: i * 4 + 2, d: i * 4 + 3 });
  }
  const historyPath = record(entries);

  const startedAt = performance.now();
  const report = await checkHistory({ historyPath, readFinal: lastTokenButOne, partitionBytes: 1_000_000 });
  const seconds = (performance.now() - startedAt) / 1_000;

  expect(report).toMatchObject({ keys: 5_000, acknowledgedWrites: 60_000, reads: 60_000, lostWrites: 1 });
  expect(120_000 / seconds).toBeGreaterThan(30_000);
  expect(readdirSync(dir)).toEqual(['history.jsonl']);
});
