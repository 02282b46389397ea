import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type Shard,
  type _Record,
} from '@aws-sdk/client-dynamodb-streams';

import type { Clock } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import type { ShardPosition, StateStream, StreamChange, StreamPosition } from '../migration/kept/ports.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';
import type { StoredRecord } from '../migration/record.ts';
import { clientDefaults } from './clients.ts';
import { listShards } from './list-shards.ts';
import { wholeItems } from './record-items.ts';
import { scannedRecord } from './state-item.ts';

export function makeStreamsClient(): DynamoDBStreamsClient {
  return new DynamoDBStreamsClient(clientDefaults());
}

/** Changes of one page; a page of the store has at most 1,000, or 1 MB. */
const mostChanges = 1000;

const describedForMs = 5_000;

/** A place that the store gives out is good for 15 minutes, what it keeps for 24 hours. */
const goneFaults = new Set([
  'ExpiredIteratorException',
  'TrimmedDataAccessException',
  'ResourceNotFoundException',
]);

interface ShardPage {
  readonly changes: readonly StreamChange[];
  readonly position: ShardPosition;
  readonly caughtUp: boolean;
}

/** The stream of the state table, read directly. A stream takes two readers at a time, of which `reverse-changes` is one. */
export function makeStateStream(deps: {
  client: DynamoDBClient;
  streams: DynamoDBStreamsClient;
  table: string;
  clock: Clock;
  /** Where bodies are that no item holds. */
  bodies?: LargeBodies;
}): StateStream {
  const { streams, clock } = deps;
  let arn: Promise<string> | undefined;
  const streamArn = (): Promise<string> => (arn ??= findStream(deps.client, deps.table));

  let described: { readonly shards: readonly Shard[]; readonly atMs: number } | null = null;

  /** The shards as of some seconds ago: an account may ask ten times a second, and every page of a read would. */
  async function shardsNow(): Promise<readonly Shard[]> {
    if (described !== null && clock.nowMs() - described.atMs < describedForMs) return described.shards;
    described = { atMs: clock.nowMs(), shards: await listShards(streams, await streamArn()) };
    return described.shards;
  }

  async function iteratorAt(
    shardId: string,
    position: ShardPosition | 'latest',
  ): Promise<string | undefined> {
    if (position !== 'latest' && position.folded === null && position.iterator !== null) {
      return position.iterator;
    }
    const command = new GetShardIteratorCommand({
      StreamArn: await streamArn(),
      ShardId: shardId,
      ...iteratorType(position),
    });
    return (await streams.send(command)).ShardIterator;
  }

  async function readShard(shardId: string, position: ShardPosition): Promise<ShardPage> {
    const ShardIterator = await iteratorAt(shardId, position);
    const { Records = [], NextShardIterator } = await streams.send(
      new GetRecordsCommand({ ShardIterator, Limit: mostChanges }),
    );
    // While nothing is folded, only a place says where to go on; the shard's beginning needs none.
    const iterator = position.iterator === null ? null : (NextShardIterator ?? null);
    const isOver = NextShardIterator === undefined;
    return {
      changes: await mapBounded(Records, 4, (record) => changeOf(deps.bodies, shardId, record)),
      position: { folded: position.folded, iterator, isOver },
      caughtUp: isTip(Records, clock.nowMs()),
    };
  }

  return {
    async latest() {
      const position: Record<string, ShardPosition> = {};
      for (const { ShardId = '' } of await listShards(streams, await streamArn())) {
        const iterator = (await iteratorAt(ShardId, 'latest')) ?? null;
        position[ShardId] = { folded: null, iterator, isOver: iterator === null };
      }
      return position;
    },

    async read(position) {
      const shards = await shardsNow();
      const next: Record<string, ShardPosition> = {};
      const changes: StreamChange[] = [];
      let caughtUp = true;
      try {
        for (const shard of parentsFirst(shards)) {
          const { ShardId = '', ParentShardId } = shard;
          const known = position[ShardId] ?? { folded: null, iterator: null, isOver: false };
          next[ShardId] = known;
          if (known.isOver || isUnread(ParentShardId, next)) continue;
          const page = await readShard(ShardId, known);
          next[ShardId] = page.position;
          changes.push(...page.changes);
          if (!page.caughtUp) caughtUp = false;
          if (page.position.isOver) {
            // It goes on in shards that the next read has to know.
            described = null;
            caughtUp = false;
          }
        }
      } catch (fault) {
        described = null;
        if (fault instanceof Error && goneFaults.has(fault.name)) return null;
        throw fault;
      }
      return isLost(position, next) ? null : { changes, position: next, caughtUp };
    },
  };
}

function iteratorType(position: ShardPosition | 'latest') {
  if (position === 'latest') return { ShardIteratorType: 'LATEST' } as const;
  if (position.folded === null) return { ShardIteratorType: 'TRIM_HORIZON' } as const;
  return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position.folded } as const;
}

/** Creation times are whole seconds. While users write there is always one more change: the last second's is the tip. */
const tipMs = 2_000;

function isTip(records: readonly _Record[], nowMs: number): boolean {
  const createdAt = records.at(-1)?.dynamodb?.ApproximateCreationDateTime;
  if (createdAt === undefined) return true;
  return records.length < mostChanges && nowMs - createdAt.getTime() < tipMs;
}

/** A child goes on with the keys of its parent: it waits until that is read to its end. */
function isUnread(parent: string | undefined, next: StreamPosition): boolean {
  return parent !== undefined && next[parent] !== undefined && !next[parent].isOver;
}

/** A shard that was not read to its end is gone. */
function isLost(position: StreamPosition, next: StreamPosition): boolean {
  return Object.entries(position).some(([shardId, { isOver }]) => !isOver && next[shardId] === undefined);
}

function parentsFirst(shards: readonly Shard[]): readonly Shard[] {
  const byId = new Map(shards.map((shard) => [shard.ShardId, shard]));
  const ordered = new Set<Shard>();
  const add = (shard: Shard): void => {
    const parent = byId.get(shard.ParentShardId);
    if (parent !== undefined && !ordered.has(parent)) add(parent);
    ordered.add(shard);
  };
  for (const shard of shards) add(shard);
  return [...ordered];
}

async function changeOf(
  bodies: LargeBodies | undefined,
  shardId: string,
  { dynamodb, userIdentity }: _Record,
): Promise<StreamChange> {
  return {
    shardId,
    sequence: dynamodb?.SequenceNumber ?? '0',
    before: await recordOf(bodies, dynamodb?.OldImage),
    after: await recordOf(bodies, dynamodb?.NewImage),
    expired: userIdentity?.Type === 'Service' && userIdentity.PrincipalId === 'dynamodb.amazonaws.com',
  };
}

async function recordOf(
  bodies: LargeBodies | undefined,
  image: NonNullable<_Record['dynamodb']>['NewImage'],
): Promise<StoredRecord | null> {
  if (image === undefined) return null;
  const [item = image] = await wholeItems([image], bodies);
  return scannedRecord(item);
}

async function findStream(client: DynamoDBClient, table: string): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (Table?.LatestStreamArn !== undefined) return Table.LatestStreamArn;
  throw new HalError({
    name: 'StreamMissing',
    message: `The table ${table} has no stream.`,
    remedy: 'Deploy the state stack again: it turns the stream on, with new and old images.',
    exit: 'conflict',
    facts: { table },
  });
}
