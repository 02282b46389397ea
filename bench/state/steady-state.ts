import { UpdateItemCommand, UpdateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';

import { makeHandler, type ReconcileStateHandlerDeps } from '../../functions/reconcile-state/handler.ts';
import { text } from '../../lib/aws/attributes.ts';
import { realSleeper } from '../../lib/aws/backoff.ts';
import { clientDefaults } from '../../lib/aws/clients.ts';
import { makeDigestStore } from '../../lib/aws/digest-store.ts';
import { makeKeptDigestStore } from '../../lib/aws/kept-digest-store.ts';
import { makeQuarantineStore } from '../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../lib/aws/relay-store.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { makeStateStream } from '../../lib/aws/state-stream.ts';
import { makeTargetStore } from '../../lib/aws/target-store.ts';
import { makeMemoryAuditLog } from '../../lib/memory/audit-log.ts';
import { makeMetricSink } from '../../lib/memory/metric-sink.ts';
import { recordSk } from '../../lib/migration/record-hash.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import type { ReconcileAnswer } from '../../lib/migration/reconcile-state.ts';
import { recordPk } from '../../lib/migration/key.ts';
import type { RecordKey } from '../../lib/migration/row.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { openFileBodies } from './file-bodies.ts';
import type { Job, JobResult } from './job.ts';

/** So many wrong records, one after the other. */
const turns = 20;
const invocationMs = 45_000;

/**
 * Compares both sides once, then damages one record after the other behind the product's back and lets the
 * continuous reconciliation find and repair it. The slowest of them is the result, and the most that one read.
 */
export async function findWrongRecords(client: DynamoDBClient, job: Job): Promise<Omit<JobResult, 'rssMb'>> {
  const reconciliation = await openReconciliation(client, job);
  await reconciliation.anchor();
  const keys = await someKeys(reconciliation.ports);
  const found = { seconds: 0, rows: 0, records: 0 };
  for (const key of keys) {
    await damage(client, job.tables.state, key);
    const startedAtMs = performance.now();
    const { report, fixes } = await reconciliation.reconcile();
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const [difference] = report.differences;
    if (report.differences.length !== 1 || difference?.key.id !== key.id || fixes?.written !== 1) {
      throw new Error(
        `a wrong ${key.recordType}/${key.id} was not found and repaired: ${JSON.stringify(report)}`,
      );
    }
    found.seconds = Math.max(found.seconds, seconds);
    found.rows = Math.max(found.rows, report.scanned.rows + report.scanned.records);
    found.records = Object.values(report.byCategory).reduce((sum, { total }) => sum + total, 0);
  }
  const digestBytes = (await reconciliation.kept.load())?.bytes.length ?? 0;
  await reconciliation.close();
  return { records: found.records, seconds: found.seconds, rowsRead: found.rows, digestBytes };
}

type ReadPorts = Pick<ReconcileStateHandlerDeps, 'source' | 'target'>;

async function openReconciliation(client: DynamoDBClient, job: Job) {
  const { state, progress, quarantine } = job.tables;
  await client.send(
    new UpdateTableCommand({
      TableName: state,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  const clock = { nowMs: () => Date.now() };
  const bodies = openFileBodies(job);
  const streams = new DynamoDBStreamsClient({
    ...clientDefaults({ region: 'us-east-1' }),
    endpoint: job.endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const source = openFlatSource({ kind: 'sqlite', path: job.flatPath }, hal9Definition);
  const target = makeTargetStore({ client, table: state, bodies });
  const settings = makeSettingsStore({ client, table: progress });
  const kept = makeKeptDigestStore({ client, table: progress });
  const handler = makeHandler({
    definition: hal9Definition,
    source,
    target,
    quarantine: makeQuarantineStore({ client, table: quarantine }),
    ranges: makeRangeStore({ client, table: progress, clock }),
    relay: makeRelayStore({ client, table: progress }),
    digests: makeDigestStore({ client, table: progress }),
    kept,
    stream: makeStateStream({ client, streams, table: state, clock, bodies }),
    settings,
    audit: makeMemoryAuditLog(),
    metrics: makeMetricSink(),
    clock,
    sleeper: realSleeper,
    loopMs: invocationMs,
  });
  return {
    ports: { source, target },
    kept,
    async anchor(): Promise<void> {
      await settings.change({
        migrationMode: { enabled: true, sinceMs: 0, by: 'bench', paused: [] },
        reconciliation: { intervalMs: 86_400_000 },
      });
      for (;;) {
        const answer = await handler({ action: 'continue' });
        if ('finished' in answer && answer.finished > 0) return;
      }
    },
    async reconcile(): Promise<ReconcileAnswer> {
      const request = { action: 'run', requestedBy: 'bench', fix: true, full: false };
      const answer = (await handler(request)) as ReconcileAnswer;
      if (answer.report.kept === undefined)
        throw new Error('it was compared completely, not by kept digests');
      return answer;
    },
    async close(): Promise<void> {
      streams.destroy();
      await source.close();
    },
  };
}

/** Keys of neurons that have a record. */
async function someKeys({ source, target }: ReadPorts): Promise<readonly RecordKey[]> {
  const { images } = await source.readRange('neuron', { after: null, upTo: null }, turns * 4);
  const stored = await target.read(images.map(({ key }) => key));
  const live = [...stored.values()].filter(({ state }) => state === 'live');
  return live.slice(0, turns).map(({ key }) => key);
}

/** As somebody does who has access to the table. */
async function damage(client: DynamoDBClient, table: string, key: RecordKey): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: table,
      Key: { pk: text(recordPk(key)), sk: text(recordSk) },
      UpdateExpression: 'SET body = :body',
      ConditionExpression: 'attribute_exists(body)',
      ExpressionAttributeValues: { ':body': text('{"damaged":true}') },
    }),
  );
}
