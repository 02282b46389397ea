import { randomBytes } from 'node:crypto';

/** `run-20260131-093000-4f2a`: sorts by time, unique enough for one migration. */
export function newRunId(prefix = 'run'): string {
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${prefix}-${stamp}-${randomBytes(2).toString('hex')}`;
}
