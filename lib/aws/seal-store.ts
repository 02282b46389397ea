import { isDeepStrictEqual } from 'node:util';

import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { AuditSeal, AuditStream, SealStore } from '../migration/audit-chain/ports.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { isConditionFailed } from './faults.ts';
import { readPartition } from './read-partition.ts';
import { retried } from './retried.ts';

const partitionOf = ({ recordType, stream }: AuditStream): string => `audit-seals/${recordType}/${stream}`;
const sortKeyOf = (index: number): string => String(index).padStart(12, '0');

/** Seals of audit streams in the progress table: an item each, never written twice. */
export function makeSealStore(deps: { client: DynamoDBClient; table: string; sleeper?: Sleeper }): SealStore {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function list(stream: AuditStream): Promise<readonly AuditSeal[]> {
    return (await readPartition({ client, table, sleeper }, partitionOf(stream))).map(sealOf);
  }

  return {
    list,

    async append(stream, seal) {
      // A seal without the one before it would leave a stretch that nothing covers.
      if ((await list(stream)).length < seal.index) return false;
      const command = new PutItemCommand({
        TableName: table,
        Item: itemOf(stream, seal),
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        await retried(sleeper, () => client.send(command));
        return true;
      } catch (fault) {
        if (!isConditionFailed(fault)) throw fault;
        // Our own seal, when the answer to the first attempt was lost.
        return fault.Item !== undefined && isDeepStrictEqual(sealOf(fault.Item), seal);
      }
    },
  };
}

function itemOf(stream: AuditStream, seal: AuditSeal): Item {
  return {
    pk: text(partitionOf(stream)),
    sk: text(sortKeyOf(seal.index)),
    first: text(seal.first),
    through: text(seal.last),
    events: number(seal.count),
    head: text(seal.head),
    sealedAtMs: number(seal.sealedAtMs),
    sealedBy: text(seal.by),
  };
}

function sealOf(item: Item): AuditSeal {
  return {
    index: Number(textOf(item, 'sk')),
    first: textOf(item, 'first'),
    last: textOf(item, 'through'),
    count: numberOf(item, 'events'),
    head: textOf(item, 'head'),
    sealedAtMs: numberOf(item, 'sealedAtMs'),
    by: textOf(item, 'sealedBy'),
  };
}
