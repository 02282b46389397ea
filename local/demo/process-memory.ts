import { readFile } from 'node:fs/promises';

const megabyte = 1024 * 1024;

/**
 * Resident memory of a process and all that it started, in MiB; what they share counts once. null where /proc does
 * not tell. Counting takes the kernel some ten milliseconds a process, which nobody here waits for.
 */
export async function treeMemoryMb(pid: number): Promise<number | null> {
  try {
    const family = await familyOf(pid);
    const shares = await Promise.all(family.map(residentMb));
    return shares.reduce((total, share) => total + share, 0);
  } catch {
    return null;
  }
}

async function familyOf(pid: number): Promise<readonly number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  if (children === '') return [pid];
  const families = await Promise.all(children.split(' ').map((child) => safeFamilyOf(Number(child))));
  return [pid, ...families.flat()];
}

/** A child may end between two looks. */
async function safeFamilyOf(pid: number): Promise<readonly number[]> {
  try {
    return await familyOf(pid);
  } catch {
    return [];
  }
}

async function residentMb(pid: number): Promise<number> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB/mu.exec(rollup) ?? [];
    return (Number(kilobytes) * 1024) / megabyte;
  } catch {
    return 0;
  }
}
