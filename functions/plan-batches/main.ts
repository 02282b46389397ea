import { migration } from 'hal9-migration';

import { makeDynamoClient, makeSqsClient } from '../../lib/aws/clients.ts';
import { makeRangeQueue } from '../../lib/aws/range-queue.ts';
import { makeRangeStore } from '../../lib/aws/range-store.ts';
import { makeRunForecasts } from '../../lib/aws/run-forecasts.ts';
import { makeSettingsStore } from '../../lib/aws/settings-store.ts';
import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const client = makeDynamoClient();
const clock = { nowMs: () => Date.now() };

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
  ranges: makeRangeStore({ client, table: env.PROGRESS_TABLE, clock }),
  queue: makeRangeQueue({ client: makeSqsClient(), queueUrl: env.RANGE_QUEUE_URL }),
  clock,
  settings: makeSettingsStore({ client, table: env.PROGRESS_TABLE }),
  forecasts: makeRunForecasts({ client, table: env.PROGRESS_TABLE }),
});
