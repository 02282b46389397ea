import { makeControlPlane } from '../../lib/aws/control-plane.ts';
import { makeLiveTraffic } from '../../lib/monitoring/live-traffic.ts';
import { parseEnv } from './env.ts';
import { makeHandler } from './handler.ts';

const env = parseEnv(process.env);
const controlPlane = makeControlPlane(env);

export const handler = makeHandler({
  ...controlPlane,
  traffic: makeLiveTraffic(controlPlane.metrics),
  minRequestsBetweenSwitches: env.MIN_REQUESTS_BETWEEN_SWITCHES ?? 20,
  quietAfterMs: 15_000,
  timeBudgetMs: 30_000,
});
