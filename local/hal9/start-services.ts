import { createServer, type RequestListener } from 'node:http';

import type { Gateway } from '../../lib/gateway/outcome.ts';
import type { Clock, Sleeper } from '../../lib/kernel/clock.ts';
import type { Random } from '../../lib/kernel/random.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { listenOnLoopback, type Listening } from '../cloud/listen.ts';
import type { EditionsApi } from './editions-api.ts';
import { makeFaults } from './faults.ts';
import { makeFaultsApi } from './faults-api.ts';
import { makePlantedBug, type PlantedBug } from './planted-bug.ts';
import { makeRecordsApi, type System } from './records-api.ts';
import { makeService } from './service.ts';

export interface ServicePorts {
  readonly flat: number;
  readonly hierarchical: number;
  /** Of the faults of the hierarchical service. */
  readonly admin: number;
}

export interface RunningServices {
  readonly ports: ServicePorts;
  close(): Promise<void>;
}

/** Both HAL9 systems and the fault port, on 127.0.0.1; port 0 takes a free one. Throws PortTaken. */
export async function startServices(
  deps: {
    /** One for each system. */
    gateways: Readonly<Record<System, Gateway>>;
    definition: MigrationDefinition;
    /** What the hierarchical system reloads while it runs. */
    editions?: EditionsApi;
    clock: Clock;
    sleeper: Sleeper;
    random: Random;
  },
  options: { readonly ports: ServicePorts; readonly plantedBug?: PlantedBug | undefined },
): Promise<RunningServices> {
  const plant = options.plantedBug === undefined ? null : makePlantedBug(options.plantedBug, deps.sleeper);
  const faults = makeFaults(deps);
  const serve = (system: System): RequestListener => {
    const gateway = deps.gateways[system];
    const api = makeRecordsApi({ ...deps, system, gateway: plant === null ? gateway : plant(gateway) });
    // Only the system that traffic moves to is broken on purpose.
    if (system === 'flat') return makeService({ system, api, faults: makeFaults(deps) });
    const { editions } = deps;
    return makeService({ system, api, faults, ...(editions === undefined ? {} : { editions }) });
  };
  const flat = await listen(serve('flat'), options.ports.flat, 'the flat HAL9 service');
  const hierarchical = await listen(
    serve('hierarchical'),
    options.ports.hierarchical,
    'the hierarchical HAL9 service',
  );
  const admin = await listen(makeFaultsApi(faults), options.ports.admin, 'the faults of the HAL9 services');
  return {
    ports: { flat: flat.port, hierarchical: hierarchical.port, admin: admin.port },
    async close() {
      faults.clear();
      deps.editions?.close();
      await Promise.all([flat.stop(), hierarchical.stop(), admin.stop()]);
    },
  };
}

async function listen(listener: RequestListener, port: number, what: string): Promise<Listening> {
  const server = createServer(listener);
  // Longer than any proxy keeps an idle connection, so that it is never the server that closes one in use.
  server.keepAliveTimeout = 120_000;
  return await listenOnLoopback(server, port, what);
}
