import { randomUUID } from 'node:crypto';

import { makeAuditLog } from '../../lib/aws/audit-log.ts';
import { makeBodyMarks } from '../../lib/aws/body-marks.ts';
import { makeBodyObjects } from '../../lib/aws/body-objects.ts';
import { makeDynamoClient, makeS3Client } from '../../lib/aws/clients.ts';
import { makeNamedBodies } from '../../lib/aws/named-bodies.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const client = makeDynamoClient();
const objects = makeS3Client({ pathStyle: env.AWS_ENDPOINT_URL_S3 !== undefined });

export const handler = makeHandler({
  objects: makeBodyObjects({ client: objects, bucket: env.BODY_BUCKET }),
  named: makeNamedBodies({ client, table: env.STATE_TABLE }),
  marks: makeBodyMarks({ client, table: env.PROGRESS_TABLE }),
  audit: makeAuditLog({ client, table: env.CONTROL_TABLE }),
  clock: { nowMs: () => Date.now() },
  newId: () => randomUUID(),
  timeBudgetMs: env.TIME_BUDGET_SECONDS * 1000,
});
