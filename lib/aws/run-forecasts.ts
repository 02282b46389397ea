import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

import type { Sleeper } from '../kernel/clock.ts';
import type { RunForecast, RunForecasts } from '../migration/run-forecast.ts';
import { text, textOf, type Item } from './attributes.ts';
import { realSleeper } from './backoff.ts';
import { putIfAbsent } from './put-if-absent.ts';
import { retried } from './retried.ts';

/** One item of the progress table for each run. */
export function makeRunForecasts(deps: {
  client: DynamoDBClient;
  table: string;
  sleeper?: Sleeper;
}): RunForecasts {
  const { client, table } = deps;
  const sleeper = deps.sleeper ?? realSleeper;
  return {
    save: (runId, forecast) =>
      putIfAbsent({ client, table, sleeper }, [
        { ...forecastKey(runId), forecast: text(JSON.stringify(forecast)) },
      ]),
    async read(runId) {
      const command = new GetItemCommand({ TableName: table, Key: forecastKey(runId), ConsistentRead: true });
      const { Item } = await retried(sleeper, () => client.send(command));
      return Item === undefined ? null : (JSON.parse(textOf(Item, 'forecast')) as RunForecast);
    },
  };
}

function forecastKey(runId: string): Item {
  return { pk: text(`forecast/${runId}`), sk: text('.') };
}
