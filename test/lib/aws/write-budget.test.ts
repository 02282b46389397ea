import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DynamoDBClient, PutItemCommand, type BatchExecuteStatementCommand } from '@aws-sdk/client-dynamodb';

import { makeBudgetLine } from '../../../lib/aws/budget-line.ts';
import { makeSettingsStore } from '../../../lib/aws/settings-store.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import { watchThrottling } from '../../../lib/aws/throttle-watch.ts';
import { makeWorkerSlots } from '../../../lib/aws/worker-slots.ts';
import { realSleeper } from '../../../lib/aws/backoff.ts';
import { makeWorkerThrottle, unitsOf } from '../../../lib/migration/worker-throttle.ts';
import type { TargetStore } from '../../../lib/migration/ports.ts';
import { busiestSecond, type Consumption } from '../../support/consumed-units.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { aRecord, noSleep } from '../../support/state-records.ts';

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

const clock = { nowMs: () => Date.now() };

/** Notes what is consumed at the moment of each answer. */
function measured(target: TargetStore, log: Consumption[]): TargetStore {
  return {
    ...target,
    async insertIfAbsent(records) {
      const outcomes = await target.insertIfAbsent(records);
      log.push({ atMs: performance.now(), units: records.reduce((sum, record) => sum + unitsOf(record), 0) });
      return outcomes;
    },
  };
}

describe('the common budget of write units in DynamoDB', () => {
  it('is kept by twelve workers that know of each other by the progress table alone', async () => {
    const tables = await dynamo.createTables();
    const { client } = dynamo;
    const own = { client, table: tables.progress };
    await makeSettingsStore(own).change({ writeUnitsPerSecond: 2_000 });
    const log: Consumption[] = [];
    const work = async (worker: number): Promise<void> => {
      const throttle = makeWorkerThrottle({
        settings: makeSettingsStore(own),
        line: makeBudgetLine(own),
        slots: makeWorkerSlots(own),
        clock,
        sleeper: realSleeper,
      });
      await throttle.refresh();
      const store = makeTargetStore({ client, table: tables.quarantine, throttle });
      const target = throttle.gated(measured(store, log), 'copy');
      for (let batch = 0; batch < 5; batch += 1) {
        await target.insertIfAbsent(
          Array.from({ length: 25 }, (_, at) =>
            aRecord({ id: `${worker}-${batch}-${at}`, body: 'x'.repeat(1_500) }),
          ),
        );
      }
    };

    const startedAtMs = performance.now();
    await Promise.all(Array.from({ length: 12 }, (_, worker) => work(worker)));

    const units = log.reduce((sum, entry) => sum + entry.units, 0);
    expect(units).toBe(12 * 5 * 25 * 2);
    expect(busiestSecond(log)).toBeLessThanOrEqual(2_000);
    expect(units / ((performance.now() - startedAtMs) / 1_000)).toBeLessThan(2_000);
  });
});

describe('a table that refuses for lack of throughput', () => {
  it('is told of with its reason, also where the SDK repeats by itself', async () => {
    const told: { who: string; why: string }[] = [];
    const client = watchThrottling(
      new DynamoDBClient({
        region: 'us-east-1',
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        maxAttempts: 2,
        requestHandler: {
          handle: () => Promise.reject(refusal()),
          metadata: { handlerProtocol: 'http/1.1' },
        } as never,
      }),
      (throttling) => void told.push(throttling),
    );

    const put = client.send(new PutItemCommand({ TableName: 'state', Item: { pk: { S: 'a' } } }));
    await expect(put).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });

    expect(told[0]).toEqual({
      who: 'arn:aws:dynamodb:us-east-1:1:table/state',
      why: 'ProvisionedThroughputExceededException: TableWriteKeyRangeThroughputExceeded',
    });
    expect(told.length).toBe(2);
  });

  it('is told of for statements of a batch, and each attempt after it asks again', async () => {
    const told: { who: string; why: string }[] = [];
    let admitted = 0;
    let answers = 0;
    const client = {
      send: (command: BatchExecuteStatementCommand) => {
        const refused = { Error: { Code: 'ProvisionedThroughputExceeded', Message: 'slow down' } };
        answers += 1;
        const statements = command.input.Statements ?? [];
        return Promise.resolve({
          Responses: statements.map((_, at) => (answers === 1 && at < 2 ? refused : {})),
        });
      },
    } as unknown as DynamoDBClient;
    const throttle = {
      throttled: (throttling: { who: string; why: string }) => void told.push(throttling),
      admitAgain: (units: number) => {
        admitted += units;
        return Promise.resolve();
      },
    };

    const records = ['a', 'b', 'c'].map((id) => aRecord({ id }));
    await makeTargetStore({ client, table: 'state', sleeper: noSleep, throttle }).insertIfAbsent(records);

    expect(told).toEqual([{ who: 'state', why: 'ProvisionedThroughputExceeded for 2 of 3 items' }]);
    expect(admitted).toBe(2);
  });
});

function refusal(): Error {
  const ThrottlingReasons = [
    { reason: 'TableWriteKeyRangeThroughputExceeded', resource: 'arn:aws:dynamodb:us-east-1:1:table/state' },
  ];
  return Object.assign(new Error('slow down'), {
    name: 'ProvisionedThroughputExceededException',
    ThrottlingReasons,
    $retryable: { throttling: true },
  });
}
