import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { addScanIndexes, addStreamIndexes } from '../../local/cloud/engine-indexes.ts';
import { startDynamo } from '../../test/support/dynoxide.ts';
import type { Job, JobResult } from './job.ts';
import { bundleWays, runAlone } from './ways.ts';

/** What every measure needs: stores, fresh tables at one endpoint, and ways that run alone. */
export interface Bench {
  readonly rounds: number;
  /** A generated flat store; the same for the same arguments. */
  store(records: number, learningBytes?: { readonly min: number; readonly max: number }): Promise<string>;
  /** A job of that way with tables of its own. */
  freshJob(way: Job['way'], flatPath: string): Promise<Job>;
  run(job: Job): Promise<JobResult>;
  close(): Promise<void>;
}

export async function openBench(options: { rounds: number; concurrency: number }): Promise<Bench> {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-bench-'));
  await bundleWays();
  const databasePath = join(directory, 'tables.sqlite');
  const dynamo = await startDynamo({ databasePath });
  addStreamIndexes(databasePath);
  let stores = 0;
  return {
    rounds: options.rounds,
    async store(records, learningBytes) {
      stores += 1;
      const path = join(directory, `flat-${stores}.sqlite`);
      process.stderr.write(`a store of ${count(records)} records ... `);
      await generateStore({ path, records, seed: 1, ...(learningBytes && { learningBytes }) });
      process.stderr.write('written\n');
      return path;
    },
    async freshJob(way, flatPath) {
      const tables = await dynamo.createTables();
      addScanIndexes(databasePath);
      return {
        way,
        endpoint: dynamo.endpoint,
        flatPath,
        itemsPath: join(directory, 'items.jsonl'),
        bodiesPath: join(directory, 'bodies'),
        // Without a stream, which makes the engine store every image once more.
        tables: { state: tables.control, progress: tables.progress, quarantine: tables.quarantine },
        fromTable: '',
        concurrency: options.concurrency,
        mostItems: null,
      };
    },
    async run(job) {
      process.stderr.write(`${job.way} ... `);
      const result = await runAlone(job);
      process.stderr.write(
        `${count(result.records)} in ${result.seconds.toFixed(1)} s, ${count(speedOf(result))}/s, ${result.rssMb} MB\n`,
      );
      return result;
    },
    async close() {
      await dynamo.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Records a second. */
export function speedOf({ records: done, seconds }: JobResult): number {
  return done / Math.max(seconds, 0.001);
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
