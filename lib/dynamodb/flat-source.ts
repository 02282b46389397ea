import { ScanCommand, type DynamoDBClient, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';

import type { Item } from '../aws/attributes.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import type { FlatSource, KeyRange, Retention, TableReport } from '../migration/ports.ts';
import { categoriesOf } from '../migration/table-lookup.ts';
import { makeApplyReverse } from './apply-reverse.ts';
import { makeAuthorityMethods } from './authority.ts';
import { noBarrier } from './barriers.ts';
import type { FlatStore } from './flat-store.ts';
import { checkedLayouts, recognisedTables } from './inspect-tables.ts';
import { installChangeLog, isInstalled, streamedLayouts } from './install-change-log.ts';
import { readState } from './log-state.ts';
import { makeStreamLogger, type StreamLogger } from './log-streams.ts';
import { keptMs } from './read-slice.ts';
import { makeReads } from './read-images.ts';
import { makeStreamReader } from './read-stream.ts';
import { requireSettled } from './require-settled.ts';
import type { TableLayout } from './table-layout.ts';

/** The flat source over DynamoDB tables with a common prefix. Closing it closes its clients. */
export function makeDynamoFlatSource(store: FlatStore): FlatSource {
  const reader = makeStreamReader(store.streams, store.clock);
  const logger = makeStreamLogger(store, reader);
  return {
    inspect: () => inspect(store),
    installChangeLog: () => installChangeLog(store, reader, logger),
    isChangeLogInstalled: () => isInstalled(store),
    planRanges: (recordType, rowsPerRange) => planRanges(store, recordType, rowsPerRange),
    countRows: async (recordType) => {
      const layout = await store.layout(recordType);
      return layout === null ? 0 : await countRows(store.client, layout);
    },
    retention: () => readRetention(store, logger),
    ...makeReads(store, logger),
    ...makeAuthorityMethods(store, logger),
    async requireFitting(category) {
      await logger.catchUp(category);
      await requireSettled(store, category);
    },
    applyReverse: makeApplyReverse(store),
    close() {
      store.client.destroy();
      store.streams.destroy();
      return Promise.resolve();
    },
  };
}

async function inspect(store: FlatStore): Promise<readonly TableReport[]> {
  const layouts = await store.freshLayouts();
  streamedLayouts(store, checkedLayouts(store, layouts));
  const { mapping, absent } = recognisedTables(store, layouts);
  const reports: TableReport[] = [];
  for (const migrated of store.definition.tables) {
    const { recordType, table, category } = migrated;
    const layout = layouts.get(recordType) ?? null;
    const report = { recordType, table, category, ...(mapping === null ? {} : { mapping: mapping.name }) };
    if (absent.includes(migrated)) reports.push({ ...report, rowCount: 0, absent: true });
    else if (layout !== null && isOf(mapping, migrated))
      reports.push({ ...report, rowCount: await countRows(store.client, layout) });
  }
  return reports;
}

function isOf(mapping: { readonly name: string } | null, table: { readonly mapping?: string }): boolean {
  return mapping === null || table.mapping === mapping.name;
}

/** Both images are kept for a day. */
async function readRetention(store: FlatStore, logger: StreamLogger): Promise<Retention | null> {
  let readAtMs = store.clock.nowMs();
  for (const category of categoriesOf(store.definition)) {
    if ((await readState(store, category)) === null) return null;
    readAtMs = Math.min(readAtMs, (await logger.catchUp(category)).readAtMs);
  }
  return { keptMs, readAtMs };
}

/** Beyond this a table is not read only to be counted: DynamoDB's own count is some hours old and costs nothing. */
const countedBytes = 256 * 1024 * 1024;
const countSegments = 4;

async function countRows(client: DynamoDBClient, layout: TableLayout): Promise<number> {
  if (layout.sizeBytes > countedBytes) return layout.estimatedRows;
  const segments = Array.from({ length: countSegments }, (_, segment) => segment);
  const counts = await mapBounded(segments, countSegments, (segment) =>
    countSegment(client, layout.name, segment),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function countSegment(client: DynamoDBClient, TableName: string, Segment: number): Promise<number> {
  let count = 0;
  let from: Item | undefined;
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({
        TableName,
        Segment,
        TotalSegments: countSegments,
        ConsistentRead: true,
        Select: 'COUNT',
        FilterExpression: noBarrier,
        ...(from === undefined ? {} : { ExclusiveStartKey: from }),
      }),
    );
    count += page.Count ?? 0;
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return count;
}

/** The most segments that a scan may have. */
const mostSegments = 1_000_000;

/** Nobody knows where a table's keys lie but the store itself, which reads any share of them. */
async function* planRanges(
  store: FlatStore,
  recordType: string,
  rowsPerRange: number,
): AsyncGenerator<KeyRange> {
  const layout = await store.layout(recordType);
  if (layout === null) return;
  const rows = await countRows(store.client, layout);
  const count = Math.min(mostSegments, Math.max(1, Math.ceil(rows / rowsPerRange)));
  for (let index = 0; index < count; index += 1)
    yield { after: null, upTo: null, ...(count === 1 ? {} : { segment: { index, count } }) };
}
