import { GetRecordsCommand, type DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';

/** A stream that is behind its table: for a number of looks it shows nothing that is new, as if it had not come yet. */
export function heldStream(streams: DynamoDBStreamsClient) {
  let looksLeft = 0;
  const client = {
    send: async (command: Parameters<DynamoDBStreamsClient['send']>[0]): Promise<unknown> => {
      if (!(command instanceof GetRecordsCommand) || looksLeft === 0) return await streams.send(command);
      looksLeft -= 1;
      return { Records: [], NextShardIterator: command.input.ShardIterator };
    },
    destroy: () => undefined,
  };
  return {
    client: client as unknown as DynamoDBStreamsClient,
    hold: (looks: number): void => {
      looksLeft = looks;
    },
  };
}
