import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

import { makeHandler as makePlanBatches } from '../../functions/plan-batches/handler.ts';
import { makeHandler as makeVerifyState } from '../../functions/verify-state/handler.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeQueue } from '../../lib/aws/range-queue.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeRunForecasts } from '../../lib/aws/run-forecasts.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeAuthorityStore } from '../../lib/aws/authority-store.ts';
import { makeReversePendingStore } from '../../lib/aws/reverse-pending-store.ts';
import { makeSwitchStore } from '../../lib/aws/switch-store.ts';
import { seededRandom } from '../../lib/kernel/random.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { recordPk } from '../../lib/migration/key.ts';
import type { TargetStore } from '../../lib/migration/ports.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import type { TestDynamo } from '../support/dynoxide.ts';
import type { TestQueues } from '../support/fauxqs.ts';
import { Crew, type CrewReport } from './crew.ts';
import { makeFlatSide, type Engine, type FlatSide } from './flat-side.ts';
import { keyQueries, liveWrite, type WrittenKeys } from './live-writes.ts';

export interface CrashOptions {
  readonly engine: Engine;
  readonly kills: number;
  readonly seed: number;
  readonly records: number;
  readonly writes: number;
}

/** Where a migration ended. Equal outcomes: the same totals and the same content, deletes included. */
interface Outcome {
  readonly verification: VerificationReport['outcome'];
  readonly totals: VerificationReport['byCategory'];
  /** Hash over key and content of every record, in key order; without versions, which depend on when the copy read. */
  readonly content: string;
}

export interface CrashReport {
  readonly outcome: Outcome;
  readonly crew: CrewReport;
  readonly seconds: number;
}

/** One whole copy under live writes, by worker processes of which `kills` are killed. */
export async function runCopy(
  engines: { readonly dynamo: TestDynamo; readonly queues: TestQueues },
  options: CrashOptions,
): Promise<CrashReport> {
  const startMs = performance.now();
  const flat = await makeFlatSide(options.engine, options);
  const system = await makeSystem(engines, flat);
  const crew = new Crew(system.task, options.kills, seededRandom(options.seed));
  let crewReport: CrewReport | null = null;
  try {
    const writing = write(flat, options, () => crew.dead);
    await system.plan({ action: 'plan', runId: 'run' });
    const progress = { isWriting: true };
    const written = writing.then(() => (progress.isWriting = false));
    let quietSinceMs = Number.POSITIVE_INFINITY;
    while (progress.isWriting || crew.dead < options.kills || !(await system.isSettled())) {
      await system.plan({ action: 'resume', runId: 'run' });
      await delay(500);
      quietSinceMs = progress.isWriting
        ? Number.POSITIVE_INFINITY
        : Math.min(quietSinceMs, performance.now());
      if (performance.now() - quietSinceMs > 5_000) crew.killIdle();
    }
    await written;
    const report = await system.verify();
    crewReport = await crew.stop();
    const outcome: Outcome = {
      verification: report.outcome,
      totals: report.byCategory,
      content: await contentHash(system.target),
    };
    return { outcome, crew: crewReport, seconds: (performance.now() - startMs) / 1000 };
  } finally {
    if (crewReport === null) await crew.stop();
    await system.close();
    await flat.stop();
  }
}

const betweenWritesMs = 4;

/** All writes, one after the other; they hold back while workers still have to be killed under them. */
async function write(flat: FlatSide, options: CrashOptions, dead: () => number): Promise<void> {
  const { kills, writes, seed } = options;
  const keys: WrittenKeys = {
    neurons: await flat.texts(keyQueries.neurons),
    sessions: await flat.texts(keyQueries.sessions),
    learning: await flat.texts(keyQueries.learning),
    metadata: await flat.texts(keyQueries.metadata),
  };
  for (let turn = 0; turn < writes; turn += 1) {
    await flat.run(liveWrite(keys, seed, turn));
    const isAhead = kills > 0 && turn / writes > dead() / kills;
    await delay(isAhead ? 10 * betweenWritesMs : betweenWritesMs);
  }
}

async function makeSystem(
  { dynamo, queues }: { readonly dynamo: TestDynamo; readonly queues: TestQueues },
  flat: FlatSide,
) {
  const { client } = dynamo;
  const tables = await dynamo.createTables();
  const rangeQueueUrl = await queues.createQueue(`${tables.state}-ranges`);
  const changeQueueUrl = await queues.createQueue(`${tables.state}-changes`);
  const source = await openFlatSource(flat.config, hal9Definition);
  await source.installChangeLog();
  const clock = { nowMs: () => Date.now() };
  const endpoint = await queues.client.config.endpoint?.();
  const sqsUrl = `http://${endpoint?.hostname ?? ''}:${endpoint?.port ?? ''}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const objects = new S3Client({ endpoint: sqsUrl, region: 'us-east-1', credentials, forcePathStyle: true });
  const bodyBucket = `${tables.state}-bodies`;
  await objects.send(new CreateBucketCommand({ Bucket: bodyBucket }));
  const bodies = makeLargeBodies({ client: objects, bucket: bodyBucket, clock });
  const target = makeTargetStore({ client, table: tables.state, bodies });
  const deps = {
    definition: hal9Definition,
    source,
    clock,
    sleeper: realSleeper,
    target,
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    settings: makeSettingsStore({ client, table: tables.progress }),
    forecasts: makeRunForecasts({ client, table: tables.progress }),
    digests: makeDigestStore({ client, table: tables.progress }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    switches: makeSwitchStore({ client, table: tables.authority }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
  };
  const queue = makeRangeQueue({ client: queues.client, queueUrl: rangeQueueUrl });
  const plan = makePlanBatches({ ...deps, queue, rowsPerRange: 200 });
  const verifyState = makeVerifyState({ ...deps, timeBudgetMs: 2_000 });
  return {
    target,
    plan,
    task: {
      source: flat.config,
      dynamoUrl: dynamo.endpoint,
      sqsUrl,
      bodyBucket,
      tables,
      rangeQueueUrl,
      changeQueueUrl,
    },
    /** Every range is complete, every change of the log applied. */
    async isSettled(): Promise<boolean> {
      const progress = await plan({ action: 'progress', runId: 'run' });
      if (!('complete' in progress) || !progress.complete) return false;
      for (const { category } of hal9Definition.tables) {
        const after = await deps.relay.cursor(category);
        const { entryCount } = await source.readChanges(category, after, 1);
        if (entryCount > 0 || (await deps.relay.pending(category, 1)).length > 0) return false;
      }
      return true;
    },
    async verify(): Promise<VerificationReport> {
      for (let cursor: string | null = null; ;) {
        const answer: Awaited<ReturnType<typeof verifyState>> = await verifyState({ cursor });
        if (answer.done) return answer.report;
        ({ cursor } = answer);
      }
    },
    async close(): Promise<void> {
      objects.destroy();
      await source.close();
    },
  };
}

async function contentHash(target: TargetStore): Promise<string> {
  const contents: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<TargetStore['scan']>> = await target.scan({
      segment: 0,
      segmentCount: 1,
      cursor,
      limit: 500,
    });
    contents.push(...page.records.map(({ key, body }) => JSON.stringify([recordPk(key), body])));
    ({ cursor } = page);
  } while (cursor !== null);
  return createHash('sha256').update(contents.toSorted().join('\n')).digest('hex');
}
