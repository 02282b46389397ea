import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  PutItemCommand,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';

import { number, text, type Item } from '../aws/attributes.ts';
import { isConditionFailed } from '../aws/faults.ts';
import type { Category } from '../migration/category.ts';
import { categoriesOf } from '../migration/table-lookup.ts';
import { anchorStream } from './anchor-streams.ts';
import { setWriters } from './authority.ts';
import { removeBarriers } from './barriers.ts';
import { changeLogLost, streamUnsuitable } from './faults.ts';
import type { FlatStore } from './flat-store.ts';
import { checkedLayouts } from './inspect-tables.ts';
import { authorityKey, itemAt, logItem, type LoggedStream, type LogState } from './log-items.ts';
import type { StreamLogger } from './log-streams.ts';
import { firstAuthority, readState } from './log-state.ts';
import type { StreamReader } from './read-stream.ts';
import type { TableLayout } from './table-layout.ts';

type StreamedLayout = TableLayout & { readonly streamArn: string };

/**
 * Makes the table of the change log and notes where the streams are. Throws HalError `SourceRejected`,
 * `StreamUnsuitable`, and `ChangeLogLost` for a log that cannot go on from where it is.
 */
export async function installChangeLog(
  store: FlatStore,
  reader: StreamReader,
  logger: StreamLogger,
): Promise<void> {
  const layouts = streamedLayouts(store, checkedLayouts(store, await store.freshLayouts()));
  await ensureLogTable(store);
  for (const category of categoriesOf(store.definition)) {
    const ofCategory = layouts.filter(({ table }) => table.category === category);
    const present = await readState(store, category);
    if (present === null) await beginLog(store, reader, category, ofCategory);
    else {
      requireSameStreams(store, category, present.log, ofCategory);
      await logger.catchUp(category);
    }
  }
}

/** Whether every table is logged from the stream that it has now. */
export async function isInstalled(store: FlatStore): Promise<boolean> {
  const layouts = checkedLayouts(store, await store.freshLayouts());
  for (const category of categoriesOf(store.definition)) {
    const state = await readState(store, category);
    if (state === null) return false;
    const ofCategory = layouts.filter(({ table }) => table.category === category);
    if (!isSameStreams(state.log, ofCategory)) return false;
  }
  return true;
}

/** The log is dropped with everything that it says about authority. */
export async function removeChangeLog(store: FlatStore): Promise<void> {
  try {
    await store.client.send(new DeleteTableCommand({ TableName: store.log }));
  } catch (fault) {
    if (!(fault instanceof ResourceNotFoundException)) throw fault;
  }
}

/** Throws HalError `StreamUnsuitable` for tables whose stream is off, or has not both images. */
export function streamedLayouts(
  store: FlatStore,
  layouts: readonly TableLayout[],
): readonly StreamedLayout[] {
  const faults = layouts.flatMap(({ name, streamArn, streamView }) => {
    if (streamArn === null) return [`${name} has no stream`];
    return streamView === wantedView ? [] : [`${name} has a stream of ${streamView ?? 'another view'}`];
  });
  if (faults.length > 0) throw streamUnsuitable(store.place, faults);
  return layouts.filter((layout): layout is StreamedLayout => layout.streamArn !== null);
}

const wantedView = 'NEW_AND_OLD_IMAGES';

function isSameStreams({ streams }: LogState, layouts: readonly TableLayout[]): boolean {
  const arns = new Map(streams.map(({ recordType, arn }) => [recordType, arn]));
  const isSame = ({ table, streamArn }: TableLayout): boolean => arns.get(table.recordType) === streamArn;
  return arns.size === layouts.length && layouts.every(isSame);
}

function requireSameStreams(
  store: FlatStore,
  category: Category,
  log: LogState,
  layouts: readonly TableLayout[],
): void {
  if (isSameStreams(log, layouts)) return;
  throw changeLogLost(store.place, category, 'its tables have other streams than those that were logged');
}

async function ensureLogTable({ client, log, sleeper }: FlatStore): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: log,
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
  } catch (fault) {
    if (!(fault instanceof ResourceInUseException)) throw fault;
  }
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: log }));
    if (Table?.TableStatus === 'ACTIVE') return;
    await sleeper.sleep(500);
  }
}

async function beginLog(
  store: FlatStore,
  reader: StreamReader,
  category: Category,
  layouts: readonly StreamedLayout[],
): Promise<void> {
  const readAtMs = store.clock.nowMs();
  const streams: LoggedStream[] = [];
  for (const layout of layouts) {
    const position = await anchorStream(store, reader, category, layout);
    streams.push({ recordType: layout.table.recordType, arn: layout.streamArn, position });
  }
  await removeBarriers(store, category);
  const { epoch, state } = firstAuthority;
  await putOnce(store, { ...itemAt(authorityKey(category)), epoch: number(epoch), state: text(state) });
  await putOnce(
    store,
    logItem(category, {
      sequence: 0,
      epoch,
      revision: 1,
      isSealed: false,
      mayRelog: false,
      strays: 0,
      streams,
      readAtMs,
      drain: null,
    }),
  );
  await setWriters(store, category, firstAuthority);
}

async function putOnce({ client, log }: FlatStore, item: Item): Promise<void> {
  try {
    await client.send(
      new PutItemCommand({ TableName: log, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }),
    );
  } catch (fault) {
    if (!isConditionFailed(fault)) throw fault;
  }
}
