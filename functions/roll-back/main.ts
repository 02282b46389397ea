import { migration } from 'hal9-migration';

import { makeControlPlane } from '../../lib/aws/control-plane.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

export const handler = makeHandler({
  ...makeControlPlane(parseEnv(process.env)),
  categories: categoriesOf(migration),
  patienceMs: 15_000,
});
