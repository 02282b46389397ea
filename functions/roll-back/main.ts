import { makeControlPlane } from '../../lib/aws/control-plane.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

export const handler = makeHandler({ ...makeControlPlane(parseEnv(process.env)), patienceMs: 15_000 });
