import { statfsSync } from 'node:fs';

import { HalError } from '../../lib/kernel/errors.ts';

/** With less than this left, a fault is the disk's, whatever it calls itself. */
const leastRoomBytes = 1024 * 1024;

/** DataDirFull when that is what is behind the fault of a start, else the fault as it is. */
export function explainFullDisk(root: string, fault: unknown): unknown {
  if (fault instanceof HalError || !(isDiskFull(fault) || roomIn(root) < leastRoomBytes)) return fault;
  return new HalError({
    name: 'DataDirFull',
    message: `The disk of the data directory ${root} is full: ${(fault as Error).message}.`,
    remedy: 'Free some space on it, or name a directory on another one with --data.',
    exit: 'unavailable',
    facts: { root },
    cause: fault,
  });
}

/** ENOSPC of the file system, or full (13) of SQLite. */
function isDiskFull(fault: unknown): boolean {
  const { code, errcode } = fault as { readonly code?: string; readonly errcode?: number };
  return code === 'ENOSPC' || errcode === 13;
}

function roomIn(root: string): number {
  try {
    const { bavail, bsize } = statfsSync(root);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
