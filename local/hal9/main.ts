import { makeDynamoClient } from '../../lib/aws/clients.ts';
import { makeEditionStore } from '../../lib/aws/edition-store.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { openLargeBodies } from '../../lib/aws/large-bodies.ts';
import { chosenMigration } from '../cloud/deployment.ts';
import { makeEditionsApi } from './editions-api.ts';
import { parseEnv } from './env.ts';
import { openGateway, systemTiming } from './open-gateway.ts';
import { startServices } from './start-services.ts';

const env = parseEnv(process.env);
const definition = await chosenMigration();
const open = () =>
  openGateway({
    source: env.SOURCE,
    tables: {
      state: env.STATE_TABLE,
      authority: env.AUTHORITY_TABLE,
      reversePending: env.REVERSE_PENDING_TABLE,
    },
    definition,
    maxWaitMs: env.MAX_WAIT_MS,
    ...(env.BODY_BUCKET === undefined
      ? {}
      : { bodies: openLargeBodies({ ...env, BODY_BUCKET: env.BODY_BUCKET }) }),
  });
const editions =
  env.EDITIONS_TABLE === undefined
    ? {}
    : {
        editions: makeEditionsApi(
          makeEditionStore({ client: makeDynamoClient(), table: env.EDITIONS_TABLE }),
          categoriesOf(definition),
        ),
      };
const services = await startServices(
  {
    gateways: { flat: (await open()).gateway, hierarchical: (await open()).gateway },
    definition,
    ...editions,
    ...systemTiming,
  },
  {
    ports: { flat: env.FLAT_PORT ?? 0, hierarchical: env.HIERARCHICAL_PORT ?? 0, admin: env.ADMIN_PORT ?? 0 },
    plantedBug: env.HAL9_DEMO_PLANT,
  },
);
const { flat, hierarchical, admin } = services.ports;
const ready = { kind: 'ready', flatPort: flat, hierarchicalPort: hierarchical, adminPort: admin };
process.stdout.write(`${JSON.stringify(ready)}\n`);
process.send?.(ready);

// The services never outlive whoever started them.
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
if (process.send === undefined) process.stdin.resume().once('end', () => process.exit(0));
