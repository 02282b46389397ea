import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import {
  nothingPublished,
  type LayerManifest,
  type LayerManifestStore,
} from '../migration/neurons/layer-manifest.ts';
import { number, numberOf, text, textOf } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

const key = { pk: text('published-layers'), sk: text('.') };

/** Published layers in the progress table: one item for all of them. */
export function makeLayerManifestStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): LayerManifestStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function read() {
    const command = new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true });
    const { Item: item } = await retried(sleeper, () => client.send(command));
    if (item === undefined) return nothingPublished;
    const layers = JSON.parse(textOf(item, 'layers')) as readonly LayerManifest[];
    return { revision: numberOf(item, 'revision'), layers };
  }

  return {
    read,
    async publish(next) {
      const layers = JSON.stringify(next.layers);
      const command = new PutItemCommand({
        TableName: table,
        Item: { ...key, revision: number(next.revision), layers: text(layers) },
        ...(next.revision === 1
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: 'revision = :before',
              ExpressionAttributeValues: { ':before': number(next.revision - 1) },
            }),
      });
      try {
        await retried(sleeper, () => client.send(command));
        return true;
      } catch (fault) {
        if (!isConditionFailed(fault)) throw fault;
        // After a lost answer the document may be our own.
        const present = await read();
        return present.revision === next.revision && JSON.stringify(present.layers) === layers;
      }
    },
  };
}
