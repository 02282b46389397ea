import { join } from 'node:path';

import { resourceNames } from '../../lib/kernel/resource-names.ts';
import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { localAccount } from '../engines/arns.ts';
import { freshAssembly } from './assembly.ts';
import { startChild, whenReady } from './child-process.ts';
import { readDeployment } from './deployment.ts';
import type { CloudParts, RunningSystems } from './parts.ts';
import { projectRoot } from './project-root.ts';
import { smallProcess } from './small-process.ts';

const readyWithinMs = 15_000;

interface SystemsReady {
  readonly flatPort: number;
  readonly hierarchicalPort: number;
  readonly adminPort: number;
}

/** The product's templates, its generated store, and the two HAL9 services in a process of their own. */
export const defaultParts: CloudParts = {
  assembly: freshAssembly,
  generateStore: (options) => async (path) => {
    await generateStore({ ...options, path });
  },
  startSystems,
};

function url(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function startSystems({
  directory,
  source,
  env,
}: Parameters<CloudParts['startSystems']>[0]): Promise<RunningSystems> {
  const deployment = readDeployment();
  const { tables, backupBucket } = resourceNames(deployment.name);
  const logPath = join(directory.logs, 'services.log');
  const child = startChild({
    name: 'services',
    command: process.execPath,
    args: [...smallProcess, join(projectRoot, 'local/hal9/main.ts')],
    env: {
      ...env,
      SOURCE: JSON.stringify(source),
      STATE_TABLE: tables.state,
      AUTHORITY_TABLE: tables.authority,
      REVERSE_PENDING_TABLE: tables.reversePending,
      BODY_BUCKET: `${backupBucket}-${localAccount}-${deployment.region}`,
      EDITIONS_TABLE: tables.editions,
    },
    logPath,
    ipc: true,
  });
  const ready = (await whenReady(child, logPath, readyWithinMs)) as SystemsReady;
  return {
    flatUrl: url(ready.flatPort),
    hierarchicalUrl: url(ready.hierarchicalPort),
    faultsUrl: `${url(ready.adminPort)}/faults`,
    child,
  };
}
