import { readCloudFile, removeCloudFile } from './cloud-file.ts';
import type { CloudFile } from './cloud-file.ts';
import { isSameProcessAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

const pollMs = 20;
const politeMs = 3_000;

/** Signals a process and what it started (children of the cloud lead groups of their own). */
function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
    } catch {
      // It is gone, or it leads no group.
    }
  }
}

/** Ends a process, politely first. True when it is gone. */
export async function endProcess(identity: ProcessIdentity, waitMs = politeMs): Promise<boolean> {
  if (!isSameProcessAlive(identity)) return true;
  signalTree(identity.pid, 'SIGTERM');
  if (await goneWithin(identity, waitMs)) return true;
  signalTree(identity.pid, 'SIGKILL');
  return goneWithin(identity, politeMs);
}

export async function goneWithin(identity: ProcessIdentity, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  while (isSameProcessAlive(identity)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return true;
}

/**
 * What a cloud that was killed left behind: its children are ended, its file is removed, its data stays.
 * Returns the names of the children that were still there; null when there is nothing left behind, which includes
 * a cloud that lives.
 */
export async function cleanLeftovers(dataDir: string): Promise<readonly string[] | null> {
  const cloud = readCloudFile(dataDir);
  if (cloud === null || isSameProcessAlive(cloud.supervisor)) return null;
  const orphans = await endChildren(cloud);
  removeCloudFile(dataDir);
  return orphans;
}

export async function endChildren(cloud: CloudFile): Promise<readonly string[]> {
  const orphans = cloud.children.filter(isSameProcessAlive);
  await Promise.all(orphans.map((orphan) => endProcess(orphan)));
  return orphans.map((orphan) => orphan.name);
}
