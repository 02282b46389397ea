import { accessSync, constants, mkdtempSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux keeps files of this directory in memory, where they cost no disk and no waiting for one. */
const memoryDirectory = '/dev/shm';
/** Room that the stores and their logs take of each row, generously. */
const bytesPerRecord = 14_000;
const fixedBytes = 300_000_000;
/** A copied source grows by its hierarchical twin and the change log. */
const growthOfSource = 12;
/** More than this belongs on a disk. */
const mostBytesInMemory = 1_200_000_000;

/**
 * A new directory for stores that are thrown away afterwards: in memory when they are small and it has the room, else
 * with the other temporary files. What is kept always goes to the disk.
 */
export function makeScratchDirectory(wanted: {
  readonly records: number;
  readonly sourceFile?: string;
  readonly keep: boolean;
}): string {
  const needed = neededBytes(wanted);
  const isInMemory = !wanted.keep && needed <= mostBytesInMemory && hasRoom(memoryDirectory, 2 * needed);
  return mkdtempSync(join(isInMemory ? memoryDirectory : tmpdir(), 'hal9-demo-'));
}

function neededBytes({
  records,
  sourceFile,
}: {
  readonly records: number;
  readonly sourceFile?: string;
}): number {
  const bytes =
    sourceFile === undefined
      ? records * bytesPerRecord
      : (statSync(sourceFile, { throwIfNoEntry: false })?.size ?? 0) * growthOfSource;
  return fixedBytes + bytes;
}

function hasRoom(directory: string, bytes: number): boolean {
  try {
    accessSync(directory, constants.W_OK);
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= bytes;
  } catch {
    return false;
  }
}
