import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);

export const handler = makeHandler({
  definition: hal9Definition,
  source: openFlatSource(env.SOURCE, hal9Definition),
});
