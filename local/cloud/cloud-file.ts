import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

import { HalError } from '../../lib/kernel/errors.ts';
import { isSameProcessAlive } from './process-identity.ts';

const processIdentity = z.object({ pid: z.int().check(z.gte(1)), startedAt: z.string() });

const cloudFile = z.object({
  /** `starting` until every endpoint answers. */
  state: z.enum(['starting', 'ready']),
  pid: z.int().check(z.gte(1)),
  /** Identity of the supervisor; `startedAt` below is for people. */
  supervisor: processIdentity,
  startedAt: z.string(),
  timeScale: z.number(),
  endpoints: z.object({
    edgeUrl: z.string(),
    gatewayUrl: z.string(),
    dynamodbUrl: z.string(),
    sqsUrl: z.string(),
    flatUrl: z.string(),
    hierarchicalUrl: z.string(),
    /** Where faults are injected into the hierarchical service. */
    faultsUrl: z.string(),
  }),
  /** What the SDK reads: AWS_ENDPOINT_URL_..., Region, credentials. */
  env: z.record(z.string(), z.string()),
  children: z.array(z.object({ name: z.string(), ...processIdentity.shape })),
});

/** What a running local cloud writes to `<data>/cloud.json`. */
export type CloudFile = z.infer<typeof cloudFile>;
export type CloudEndpoints = CloudFile['endpoints'];

export const cloudFileName = 'cloud.json';

/** The file as it is, whoever wrote it and whether that process lives; null when there is none. Throws CloudFileCorrupt. */
export function readCloudFile(dataDir: string): CloudFile | null {
  const path = join(dataDir, cloudFileName);
  if (!existsSync(path)) return null;
  try {
    return z.parse(cloudFile, JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new HalError({
      name: 'CloudFileCorrupt',
      message: `${path} is not a description of a local cloud.`,
      remedy:
        'If no local cloud runs there (`ps`), delete the file; the data beside it stays. Otherwise stop that cloud first.',
      exit: 'conflict',
      facts: { path },
      cause,
    });
  }
}

/** The local cloud that runs in the data directory and is ready, else null. Throws CloudFileCorrupt. */
export function readRunningCloud(dataDir: string): CloudFile | null {
  const cloud = readCloudFile(dataDir);
  if (cloud === null || cloud.state !== 'ready') return null;
  return isSameProcessAlive(cloud.supervisor) ? cloud : null;
}

/** Replaces the file as a whole, so that no reader sees half of it. */
export function writeCloudFile(dataDir: string, cloud: CloudFile): void {
  const path = join(dataDir, cloudFileName);
  writeFileSync(`${path}.next`, `${JSON.stringify(cloud, null, 2)}\n`);
  renameSync(`${path}.next`, path);
}

export function removeCloudFile(dataDir: string): void {
  rmSync(join(dataDir, cloudFileName), { force: true });
}
