import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import { cloudFileName, readCloudFile, removeCloudFile, writeCloudFile } from './cloud-file.ts';
import type { CloudEndpoints, CloudFile } from './cloud-file.ts';
import { cleanLeftovers } from './leftovers.ts';
import { identifyProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** This process's hold on a data directory, written to `cloud.json` from the first moment on. */
export interface Claim {
  /** Notes a child, so that it is found if this process is killed. */
  adopt(name: string, identity: ProcessIdentity): void;
  ready(endpoints: CloudEndpoints, env: Readonly<Record<string, string>>): void;
  release(): Promise<void>;
}

const noEndpoints: CloudEndpoints = {
  edgeUrl: '',
  gatewayUrl: '',
  dynamodbUrl: '',
  sqsUrl: '',
  flatUrl: '',
  hierarchicalUrl: '',
  faultsUrl: '',
};

/** Cleans what a killed cloud left in the directory and takes it. Throws CloudAlreadyRunning and CloudFileCorrupt. */
export async function claimDataDirectory(dataDir: string, timeScale: number): Promise<Claim> {
  await cleanLeftovers(dataDir);
  const supervisor = identifyProcess(process.pid);
  if (supervisor === null) throw new Error('cannot read the start time of this process');
  let file: CloudFile = {
    state: 'starting',
    pid: process.pid,
    supervisor,
    startedAt: new Date().toISOString(),
    timeScale,
    endpoints: noEndpoints,
    env: {},
    children: [],
  };
  takeFile(dataDir, file);
  const write = (changes: Partial<CloudFile>): void => {
    file = { ...file, ...changes };
    writeCloudFile(dataDir, file);
  };
  return {
    adopt: (name, identity) => write({ children: [...file.children, { name, ...identity }] }),
    ready: (endpoints, env) => write({ state: 'ready', endpoints, env: { ...env } }),
    async release() {
      removeCloudFile(dataDir);
    },
  };
}

/** Only one of two processes that start at once gets the file. */
function takeFile(dataDir: string, file: CloudFile): void {
  try {
    writeFileSync(join(dataDir, cloudFileName), `${JSON.stringify(file, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw alreadyRunning(dataDir);
  }
}

function alreadyRunning(dataDir: string): HalError {
  const running = readCloudFile(dataDir);
  return new HalError({
    name: 'CloudAlreadyRunning',
    message: `A local cloud already runs in ${dataDir} (process ${running?.pid ?? 'unknown'}, since ${running?.startedAt ?? 'just now'}).`,
    remedy: 'Use it, stop it with `hal9-migrate local down`, or name another directory with --data.',
    exit: 'conflict',
    facts: { dataDir, pid: running?.pid, startedAt: running?.startedAt },
  });
}
