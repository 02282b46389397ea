import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';

import { makeStateStream } from '../../../lib/aws/state-stream.ts';

const beginning = { folded: null, iterator: null, isOver: false };

/** A stream with one shard, which is split when `split` says so. */
function splittingStream() {
  const state = { split: false, nowMs: 1_000_000 };
  mockClient(DynamoDBClient)
    .on(DescribeTableCommand)
    .resolves({ Table: { LatestStreamArn: 'arn' } });
  const streams = mockClient(DynamoDBStreamsClient);
  streams.on(DescribeStreamCommand).callsFake(() => ({
    StreamDescription: {
      Shards: state.split
        ? [{ ShardId: 'parent' }, { ShardId: 'child', ParentShardId: 'parent' }]
        : [{ ShardId: 'parent' }],
    },
  }));
  streams.on(GetShardIteratorCommand).callsFake(({ ShardId }: { ShardId: string }) => ({
    ShardIterator: ShardId,
  }));
  streams.on(GetRecordsCommand).callsFake(({ ShardIterator }: { ShardIterator: string }) => ({
    Records: [],
    ...(state.split && ShardIterator === 'parent' ? {} : { NextShardIterator: ShardIterator }),
  }));
  const stream = makeStateStream({
    client: new DynamoDBClient({ region: 'us-east-1' }),
    streams: new DynamoDBStreamsClient({ region: 'us-east-1' }),
    table: 'state',
    clock: { nowMs: () => state.nowMs },
  });
  return { state, stream, described: () => streams.commandCalls(DescribeStreamCommand).length };
}

test('the shards are asked for once in some seconds, not for each page', async () => {
  const { state, stream, described } = splittingStream();

  for (let page = 0; page < 20; page += 1) await stream.read({ parent: beginning });
  expect(described()).toBe(1);
  state.nowMs += 5_000;
  await stream.read({ parent: beginning });

  expect(described()).toBe(2);
});

test('a shard that ends is not the end: its child is found by the next read', async () => {
  const { state, stream } = splittingStream();
  await stream.read({ parent: beginning });
  state.split = true;

  const ended = await stream.read({ parent: beginning });
  const after = await stream.read(ended?.position ?? {});

  expect(ended).toMatchObject({ caughtUp: false, position: { parent: { isOver: true } } });
  expect(after).toMatchObject({ caughtUp: true, position: { child: { isOver: false } } });
});
