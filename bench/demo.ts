import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { murmur3 } from '../lib/kernel/murmur3.ts';
import type { DemoSummary } from '../local/demo/demo-summary.ts';

/**
 * The whole demo, one seed after the other: how long, how much memory of all its processes, and whether all of it
 * held. Beside it stands what the same machine takes for one plain hash, since shared machines change their speed.
 * Run: node bench/demo.ts [--seeds 1,2,3,4,5] [--records 20000] [--json]
 */
const goalMs = 180_000;
const goalMb = 1_500;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3,4,5' },
    records: { type: 'string', default: '20000' },
    json: { type: 'boolean', default: false },
  },
});

const cli = join(import.meta.dirname, '../bin/hal9-migrate.mjs');

interface Row {
  readonly seed: string;
  readonly outcome: string;
  readonly tookMs: number;
  readonly peakMemoryMb: number | null;
  readonly hashNs: number;
  readonly violations: number;
}

/** Nanoseconds for one hash of a short subject, the best of five rounds. */
function hashNs(): number {
  const count = 1_000_000;
  const rounds = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    for (let index = 0; index < count; index += 1) murmur3(`user-${index & 4_095}`, 0);
    return ((performance.now() - startedAt) * 1e6) / count;
  });
  return Math.min(...rounds);
}

async function runDemo(seed: string): Promise<DemoSummary> {
  const args = [cli, 'demo', '--json', '--seed', seed, '--records', values.records];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  return JSON.parse(text) as DemoSummary;
}

function violationsIn({ state, traffic, history, failures }: DemoSummary): number {
  const { mismatches, missing, extra, pending } = state;
  const { lostWrites, staleReads, resurrections } = history;
  return (
    failures.length +
    mismatches +
    missing +
    extra +
    pending +
    traffic.failed +
    lostWrites +
    staleReads +
    resurrections
  );
}

async function measure(seed: string): Promise<Row> {
  const ns = hashNs();
  const startedAt = performance.now();
  const summary = await runDemo(seed);
  return {
    seed,
    outcome: summary.outcome,
    tookMs: Math.round(performance.now() - startedAt),
    peakMemoryMb: summary.peakMemoryMb,
    hashNs: Math.round(ns),
    violations: violationsIn(summary),
  };
}

const rows: Row[] = [];
for (const seed of values.seeds.split(',')) {
  const row = await measure(seed);
  rows.push(row);
  if (!values.json) {
    const { outcome, tookMs, peakMemoryMb, violations, hashNs: ns } = row;
    console.log(
      `seed ${seed.padEnd(3)} ${outcome.padEnd(10)} ${(tookMs / 1_000).toFixed(0).padStart(4)} s (${(tookMs / goalMs).toFixed(2)} of ${goalMs / 1_000} s)  ` +
        `${peakMemoryMb ?? '?'} MB (${((peakMemoryMb ?? Number.NaN) / goalMb).toFixed(2)} of ${goalMb} MB)  violations ${violations}  hash ${ns} ns`,
    );
  }
}
if (values.json)
  console.log(JSON.stringify({ records: Number(values.records), goalMs, goalMb, rows }, null, 2));
