import { hal9Categories } from '../../lib/migration/hal9-definition.ts';
import { makeControlPlane } from '../../lib/aws/control-plane.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

export const handler = makeHandler({
  ...makeControlPlane(parseEnv(process.env)),
  categories: hal9Categories,
  patienceMs: 15_000,
});
