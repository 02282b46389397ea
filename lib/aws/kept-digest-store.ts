import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import type { KeptDigestStore } from '../migration/kept/ports.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { makeDigestStore } from './digest-store.ts';
import { isConditionFailed } from './faults.ts';
import { retried } from './retried.ts';

const pointerKey: Item = { pk: text('kept-digests'), sk: text('.') };

interface Pointer {
  readonly name: string;
  readonly revision: number;
}

/**
 * Kept digests in the progress table: their parts under a name that nobody else writes, and one item that names them.
 * Replacing that item is the save, so a reader sees all of one save and nothing of another.
 */
export function makeKeptDigestStore(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): KeptDigestStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;
  const parts = makeDigestStore(deps);

  async function readPointer(): Promise<Pointer | null> {
    const command = new GetItemCommand({ TableName: table, Key: pointerKey, ConsistentRead: true });
    const { Item } = await retried(sleeper, () => client.send(command));
    return Item === undefined ? null : { name: textOf(Item, 'name'), revision: numberOf(Item, 'revision') };
  }

  /** False when the item no longer has that revision. */
  async function replacePointer(name: string, revision: number): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: table,
      Item: { ...pointerKey, name: text(name), revision: number(revision + 1) },
      ConditionExpression: revision === 0 ? 'attribute_not_exists(pk)' : 'revision = :revision',
      ...(revision === 0 ? {} : { ExpressionAttributeValues: { ':revision': number(revision) } }),
    });
    try {
      await retried(sleeper, () => client.send(command));
      return true;
    } catch (fault) {
      if (!isConditionFailed(fault)) throw fault;
      // After a lost answer it is our own that is there.
      return (await readPointer())?.name === name;
    }
  }

  return {
    async load() {
      for (;;) {
        const pointer = await readPointer();
        if (pointer === null) return null;
        const bytes = await parts.load(pointer.name);
        if (bytes !== null) return { bytes, revision: pointer.revision };
        // Somebody saved between the two reads; if not, the parts are gone, and with them the digests.
        if ((await readPointer())?.name === pointer.name) {
          return { bytes: new Uint8Array(), revision: pointer.revision };
        }
      }
    },

    async save(bytes, revision) {
      const before = await readPointer();
      if ((before?.revision ?? 0) !== revision) return false;
      const name = `kept-${revision + 1}-${sha256Hex(bytes)}`;
      await parts.save(name, bytes);
      const isOurs = await replacePointer(name, revision);
      const outdated = isOurs ? before?.name : name;
      if (outdated !== undefined) await parts.remove([outdated]);
      return isOurs;
    },
  };
}
