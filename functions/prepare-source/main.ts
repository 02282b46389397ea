import { migration } from 'hal9-migration';

import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);

export const handler = makeHandler({
  definition: migration,
  source: await openFlatSource(env.SOURCE, migration),
});
