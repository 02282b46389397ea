import { readFileSync } from 'node:fs';

const megabyte = 1024 * 1024;

/**
 * Resident memory of a process and all that it started, in MiB; what they share counts once. null where /proc does
 * not tell.
 */
export function treeMemoryMb(pid: number): number | null {
  try {
    return familyOf(pid).reduce((total, member) => total + residentMb(member), 0);
  } catch {
    return null;
  }
}

function familyOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  if (children === '') return [pid];
  return [pid, ...children.split(' ').flatMap((child) => safeFamilyOf(Number(child)))];
}

/** A child may end between two looks. */
function safeFamilyOf(pid: number): readonly number[] {
  try {
    return familyOf(pid);
  } catch {
    return [];
  }
}

function residentMb(pid: number): number {
  try {
    const [, kilobytes = '0'] =
      /^Pss:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return (Number(kilobytes) * 1024) / megabyte;
  } catch {
    return 0;
  }
}
