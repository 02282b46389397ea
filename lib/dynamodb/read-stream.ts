import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type DynamoDBStreamsClient,
  type _Record,
} from '@aws-sdk/client-dynamodb-streams';

import type { Item } from '../aws/attributes.ts';
import { listShards } from '../aws/list-shards.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Shard, ShardPosition } from './stream-position.ts';

/** One change of one item. */
export interface StreamRecord {
  /** Order of the changes of its shard. */
  readonly sequenceNumber: string;
  readonly keys: Item;
  readonly before: Item | null;
  readonly after: Item | null;
  /** DynamoDB itself deleted the item, whose time was over. */
  readonly isExpiry: boolean;
}

export type ShardPage =
  | {
      readonly kind: 'page';
      readonly records: readonly StreamRecord[];
      /** Behind the records: closed, and nothing is left in it. */
      readonly isOver: boolean;
      /** Everything that was there two seconds ago is read with it. */
      readonly isAtTip: boolean;
    }
  /** What comes after the position is not kept any longer, or the position itself is not. */
  | { readonly kind: 'trimmed' };

/** The streams of tables as they are; a stream takes few readers at a time, so that pages are read in turn. */
export interface StreamReader {
  /** As of some seconds ago. A shard that is read to its end has its children asked for at once. */
  shards(arn: string): Promise<readonly Shard[]>;
  /** `horizon` reads from the oldest that is kept, whatever the position says. */
  read(arn: string, shardId: string, from: ShardPosition | 'horizon'): Promise<ShardPage>;
  /** Reads on and on from the present end of a shard. */
  tail(arn: string, shardId: string): Promise<() => Promise<ShardPage>>;
}

const recordsPerPage = 500;

/** A place that the store gives out is good for some minutes, and saves a request while it is. */
interface KnownPlace {
  readonly after: string | null;
  readonly iterator: string;
}

/** An account may ask ten times a second for shards, which change a few times a day. */
const describedForMs = 5_000;

/** Creation times are whole seconds. While users write there is always one more change: the last second's is the tip. */
export const tipMs = 2_000;

export function makeStreamReader(client: DynamoDBStreamsClient, clock: Clock): StreamReader {
  const places = new Map<string, KnownPlace>();
  const described = new Map<string, { readonly atMs: number; readonly shards: readonly Shard[] }>();

  async function iteratorAt(arn: string, shardId: string, from: ShardPosition | 'horizon') {
    const after = from === 'horizon' ? null : from.after;
    const known = places.get(`${arn} ${shardId}`);
    if (from !== 'horizon' && known !== undefined && known.after === after) return known.iterator;
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({
        StreamArn: arn,
        ShardId: shardId,
        ...(after === null
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after }),
      }),
    );
    return ShardIterator;
  }

  async function readOnce(arn: string, shardId: string, from: ShardPosition | 'horizon'): Promise<ShardPage> {
    const iterator = await iteratorAt(arn, shardId, from);
    places.delete(`${arn} ${shardId}`);
    const { page, next } = await pageAt(client, clock, iterator, recordsPerPage);
    const after = page.records.at(-1)?.sequenceNumber ?? (from === 'horizon' ? null : from.after);
    if (next !== undefined) places.set(`${arn} ${shardId}`, { after, iterator: next });
    // Its children are wanted now.
    else described.delete(arn);
    return page;
  }

  return {
    async shards(arn) {
      const known = described.get(arn);
      if (known !== undefined && clock.nowMs() - known.atMs < describedForMs) return known.shards;
      const shards = (await listShards(client, arn)).map(({ ShardId = '', ParentShardId }) => ({
        shardId: ShardId,
        parentId: ParentShardId ?? null,
      }));
      described.set(arn, { atMs: clock.nowMs(), shards });
      return shards;
    },
    async tail(arn, shardId) {
      const command = new GetShardIteratorCommand({
        StreamArn: arn,
        ShardId: shardId,
        ShardIteratorType: 'LATEST',
      });
      let iterator = (await client.send(command)).ShardIterator;
      return async () => {
        const { page, next } = await pageAt(client, clock, iterator, recordsPerPage);
        iterator = next;
        return page;
      };
    },
    async read(arn, shardId, from) {
      for (;;) {
        try {
          return await readOnce(arn, shardId, from);
        } catch (fault) {
          const name = fault instanceof Error ? fault.name : '';
          if (name === 'ExpiredIteratorException') continue;
          if (name === 'TrimmedDataAccessException' || name === 'ResourceNotFoundException')
            return { kind: 'trimmed' };
          throw fault;
        }
      }
    },
  };
}

type Page = Extract<ShardPage, { kind: 'page' }>;

async function pageAt(
  client: DynamoDBStreamsClient,
  clock: Clock,
  iterator: string | undefined,
  limit: number,
): Promise<{ readonly page: Page; readonly next: string | undefined }> {
  if (iterator === undefined)
    return { page: { kind: 'page', records: [], isOver: true, isAtTip: true }, next: undefined };
  const command = new GetRecordsCommand({ ShardIterator: iterator, Limit: limit });
  const { Records = [], NextShardIterator: next } = await client.send(command);
  const newest = Records.at(-1)?.dynamodb?.ApproximateCreationDateTime?.getTime();
  const isRecent = Records.length < limit && clock.nowMs() - (newest ?? 0) < tipMs;
  const isOver = next === undefined;
  const isAtTip = isOver || newest === undefined || isRecent;
  return { page: { kind: 'page', records: Records.map(recordOf), isOver, isAtTip }, next };
}

function recordOf({ dynamodb, userIdentity }: _Record): StreamRecord {
  return {
    sequenceNumber: dynamodb?.SequenceNumber ?? '0',
    keys: dynamodb?.Keys ?? {},
    before: dynamodb?.OldImage ?? null,
    after: dynamodb?.NewImage ?? null,
    isExpiry: userIdentity?.Type === 'Service' && userIdentity.PrincipalId === 'dynamodb.amazonaws.com',
  };
}
