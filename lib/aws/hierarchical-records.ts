import { createHash } from 'node:crypto';

import { GetItemCommand, TransactWriteItemsCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { HierarchicalRecords } from '../gateway/ports.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';
import type { RecordVersion, StoredRecord, TargetRecord } from '../migration/record.ts';
import type { RecordKey } from '../migration/row.ts';
import { flag, number, text, type Item } from './attributes.ts';
import { authorityKey } from './authority-item.ts';
import { backoffMs, realSleeper } from './backoff.ts';
import { cancellationReasons, isOutcomeUnknown, isRetryableCode } from './faults.ts';
import { reversePendingItem } from './reverse-pending-item.ts';
import { bodyNameIn, recordItem, wholeItems } from './record-items.ts';
import { stateKey, unmarshalRecord } from './state-item.ts';

type WriteResult = Awaited<ReturnType<HierarchicalRecords['write']>>;

interface Guard {
  readonly group: number;
  readonly expected: RecordVersion | null;
}

interface Tables {
  readonly state: string;
  readonly authority: string;
  readonly reversePending: string;
}

/** Attempts of one write whose answers were lost; the store knows it again by its token. */
const maxUnknownOutcomes = 4;

/** The state table as the gateway writes it under hierarchical authority. */
export function makeHierarchicalRecords(deps: {
  client: DynamoDBClient;
  tables: Tables;
  sleeper?: Sleeper;
  /** Where bodies are that no item holds; without it there are none. */
  bodies?: LargeBodies;
}): HierarchicalRecords {
  const { client, tables, bodies } = deps;
  const sleeper = deps.sleeper ?? realSleeper;

  async function read(key: RecordKey): Promise<StoredRecord | null> {
    const { pk, sk } = stateKey(key);
    const answer = await client.send(
      new GetItemCommand({
        TableName: tables.state,
        Key: { pk: text(pk), sk: text(sk) },
        ConsistentRead: true,
      }),
    );
    const [item] = await wholeItems(answer.Item === undefined ? [] : [answer.Item], bodies);
    return item === undefined ? null : unmarshalRecord(item);
  }

  async function write(record: TargetRecord, guard: Guard): Promise<WriteResult> {
    const command = writeTransaction(tables, record, guard, await recordItem(record, bodies));
    for (let attempt = 0; ; attempt += 1) {
      try {
        await client.send(command);
        return 'written';
      } catch (fault) {
        const refusal = classifyRefusal(fault, record);
        if (refusal !== null) return refusal;
        if (!isOutcomeUnknown(fault) || attempt + 1 >= maxUnknownOutcomes) throw fault;
        // The same token again: a transaction that went through answers as it did, one that did not is done now.
        await sleeper.sleep(backoffMs(attempt));
      }
    }
  }

  return { read, write };
}

function writeTransaction(
  tables: Tables,
  record: TargetRecord,
  guard: Guard,
  item: Item,
): TransactWriteItemsCommand {
  const { key, category, version } = record;
  return new TransactWriteItemsCommand({
    ClientRequestToken: requestToken(tables, record, guard, item),
    TransactItems: [
      {
        ConditionCheck: {
          TableName: tables.authority,
          Key: authorityKey(category, guard.group),
          ConditionExpression: 'side = :hierarchical AND epoch = :epoch AND fenced = :no',
          ExpressionAttributeValues: {
            ':hierarchical': text('hierarchical'),
            ':epoch': number(version.epoch),
            ':no': flag(false),
          },
        },
      },
      {
        Put: {
          TableName: tables.state,
          Item: item,
          ...expectedVersion(guard.expected),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      {
        Put: {
          TableName: tables.reversePending,
          Item: reversePendingItem({ key, category, group: guard.group, version }),
        },
      },
    ],
  });
}

function expectedVersion(expected: RecordVersion | null): {
  ConditionExpression: string;
  ExpressionAttributeValues?: Item;
} {
  if (expected === null) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: 'e = :e AND v = :v',
    ExpressionAttributeValues: { ':e': number(expected.epoch), ':v': number(expected.sequence) },
  };
}

/**
 * One token per intended effect, so that a repetition is recognised whoever makes it. Tokens are known to the whole
 * account: the table is part of it, since two environments may hold the same record. So is the name of a body that
 * stands elsewhere, which is another one tomorrow: a token does not come again with another content. At most 36 characters.
 */
function requestToken(tables: Tables, record: TargetRecord, { expected, group }: Guard, item: Item): string {
  const { hash, expiresAtS = null } = record;
  const intent = [
    tables.state,
    hash,
    expiresAtS,
    expected?.epoch,
    expected?.sequence,
    group,
    bodyNameIn(item),
  ];
  return createHash('sha256').update(JSON.stringify(intent)).digest('hex').slice(0, 36);
}

/** What a failed transaction means to the gateway; null when it is no answer of the store about this write. */
function classifyRefusal(fault: unknown, record: TargetRecord): WriteResult | null {
  const reasons = cancellationReasons(fault);
  if (reasons === null) return isThrottled(fault) ? 'contended' : null;
  const [authority, state] = reasons;
  const isVersionMoved = state?.Code === 'ConditionalCheckFailed';
  // Looked at first: after a lost answer the authority may have moved on since our own success.
  if (isVersionMoved && isOwn(state.Item, record)) return 'written';
  if (authority?.Code === 'ConditionalCheckFailed') return 'authority-moved';
  if (isVersionMoved) return 'version-moved';
  return reasons.some(({ Code }) => isRetryableCode(Code)) ? 'contended' : null;
}

/** The store says that nothing was written and that it may be later. */
function isThrottled(fault: unknown): boolean {
  return fault instanceof Error && !isOutcomeUnknown(fault) && isRetryableCode(fault.name);
}

function isOwn(found: Item | undefined, record: TargetRecord): boolean {
  if (found === undefined) return false;
  const stored = unmarshalRecord(found);
  // A body that stands elsewhere is named by its hash, which is part of the item.
  const isWhole = stored.intact || (stored.body === null && stored.state === 'live');
  return isWhole && stored.hash === record.hash && stored.origin === record.origin;
}
