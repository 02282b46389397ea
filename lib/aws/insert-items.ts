import {
  BatchExecuteStatementCommand,
  type BatchStatementResponse,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import type { Item } from './attributes.ts';
import { backoffMs } from './backoff.ts';
import { isRetryableCode } from './faults.ts';
import { isThrottlingCode, type OnThrottling } from './throttle-watch.ts';

/** Largest number of statements that DynamoDB takes at once. */
const statementsPerRequest = 25;
const maxRounds = 10;

export type InsertOutcome = 'inserted' | 'present';

/**
 * Puts each item only where its key is absent. BatchWriteItem knows no conditions; a PartiQL INSERT does, 25 to a
 * request, with an answer of its own for each. Keys must be distinct. A repetition after a lost answer finds its own
 * item `present`. Throws `StoreRefusedItem` when the store refuses one for good, `StoreThrottled` after ten rounds.
 */
export async function insertItems(deps: InsertDeps, items: readonly Item[]): Promise<InsertOutcome[]> {
  const outcomes: InsertOutcome[] = [];
  for (let start = 0; start < items.length; start += statementsPerRequest) {
    outcomes.push(...(await insertGroup(deps, items.slice(start, start + statementsPerRequest))));
  }
  return outcomes;
}

interface InsertDeps {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly sleeper: Sleeper;
  /** A statement of a batch is refused in an answer that is none of the SDK's faults. */
  readonly onThrottling?: OnThrottling | undefined;
  /** Waits until the items may be tried again. */
  readonly beforeRetry?: ((items: readonly Item[]) => Promise<void>) | undefined;
}

async function insertGroup(
  { client, table, sleeper, ...deps }: InsertDeps,
  items: readonly Item[],
): Promise<InsertOutcome[]> {
  const outcomes = Array.from<InsertOutcome>({ length: items.length }).fill('inserted');
  let open = items.map((_, index) => index);
  for (let round = 0; open.length > 0; round += 1) {
    if (round > 0) {
      await sleeper.sleep(backoffMs(round - 1));
      await deps.beforeRetry?.(open.map((index) => items[index] ?? {}));
    }
    const statements = open.map((index) => insertStatement(table, items[index] ?? {}));
    const answer = await client.send(new BatchExecuteStatementCommand({ Statements: statements }));
    const retried: number[] = [];
    reportThrottling(table, answer.Responses ?? [], deps.onThrottling);
    for (const [position, index] of open.entries()) {
      const outcome = classify(table, items[index] ?? {}, answer.Responses?.[position]);
      if (outcome === 'retry') retried.push(index);
      else outcomes[index] = outcome;
    }
    if (retried.length > 0 && round + 1 >= maxRounds) throw storeThrottled(table, retried.length);
    open = retried;
  }
  return outcomes;
}

/** Once for each answer, however many of its statements were refused. */
function reportThrottling(
  table: string,
  answers: readonly BatchStatementResponse[],
  onThrottling: OnThrottling | undefined,
): void {
  const refused = answers.filter(({ Error: fault }) => isThrottlingCode(fault?.Code));
  const why = refused[0]?.Error?.Code;
  if (why !== undefined)
    onThrottling?.({ who: table, why: `${why} for ${refused.length} of ${answers.length} items` });
}

export function insertStatement(table: string, item: Item) {
  const names = Object.keys(item);
  const fields = names.map((name) => `'${name}': ?`).join(', ');
  return { Statement: `INSERT INTO "${table}" VALUE {${fields}}`, Parameters: Object.values(item) };
}

function classify(
  table: string,
  item: Item,
  answer: BatchStatementResponse | undefined,
): InsertOutcome | 'retry' {
  const fault = answer?.Error;
  if (fault === undefined) return answer === undefined ? 'retry' : 'inserted';
  if (fault.Code === 'DuplicateItem') return 'present';
  if (isRetryableCode(fault.Code)) return 'retry';
  throw new HalError({
    name: 'StoreRefusedItem',
    message: `Table ${table} refused the item ${item['pk']?.S ?? '?'}: ${fault.Code ?? 'no code'}: ${fault.Message ?? ''}`,
    remedy: 'See the message of DynamoDB; the range is retried and nothing before it is lost.',
    facts: { table, pk: item['pk']?.S, code: fault.Code },
  });
}

function storeThrottled(table: string, itemCount: number): HalError {
  return new HalError({
    name: 'StoreThrottled',
    message: `Table ${table} still throttles ${itemCount} items after ${maxRounds} attempts.`,
    remedy: 'Lower the number of workers or raise the warm throughput of the table; the work is retried.',
    exit: 'unavailable',
    facts: { table, itemCount },
  });
}
