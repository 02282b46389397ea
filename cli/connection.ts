import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { deployFileMissing, deployFileName, parseDeployFile } from '../lib/config/deploy-file.ts';
import type { DeployFile } from '../lib/config/deploy-file.ts';
import { HalError } from '../lib/kernel/errors.ts';
import { resourceNames } from '../lib/kernel/resource-names.ts';
import type { ResourceNames } from '../lib/kernel/resource-names.ts';
import { readRunningCloud } from '../local/cloud/cloud-file.ts';
import type { GlobalOptions } from './options.ts';

/** Where a command acts: the running local cloud, or the account of the credentials. */
export interface Connection {
  readonly kind: 'local' | 'aws';
  readonly names: ResourceNames;
  readonly deploy: DeployFile;
  readonly region: string;
  /** Directory of the local cloud; null on AWS. */
  readonly dataDir: string | null;
}

/**
 * Finds the target and prepares the environment that the SDK reads.
 * Throws LocalCloudNotRunning when nothing runs in the data directory and `--aws` was not given.
 */
export function connect(options: GlobalOptions, env: NodeJS.ProcessEnv): Connection {
  const deploy = readDeployFile(env);
  const names = resourceNames(deploy.name);
  if (options.aws) {
    env['AWS_REGION'] ??= deploy.region;
    return { kind: 'aws', names, deploy, region: env['AWS_REGION'], dataDir: null };
  }
  const dataDir = resolve(options.data);
  const cloud = readRunningCloud(dataDir);
  if (cloud === null) throw notRunning(dataDir);
  Object.assign(env, cloud.env);
  return { kind: 'local', names, deploy, region: deploy.region, dataDir };
}

function readDeployFile(env: NodeJS.ProcessEnv): DeployFile {
  const path = join(import.meta.dirname, '..', deployFileName);
  const here = resolve(deployFileName);
  const found = env['HAL9_DEPLOY_FILE'] ?? (existsSync(here) ? here : path);
  if (!existsSync(found)) throw deployFileMissing(found);
  return parseDeployFile(readFileSync(found, 'utf8'), found);
}

function notRunning(dataDir: string): HalError {
  return new HalError({
    name: 'LocalCloudNotRunning',
    message: `No local cloud runs in ${dataDir}.`,
    remedy: 'Start one with `hal9-migrate local up --detach`, name its directory with --data, or use --aws.',
    exit: 'unavailable',
    facts: { dataDir },
  });
}
