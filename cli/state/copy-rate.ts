import type { CopyProgress } from '../../lib/migration/state-description.ts';

/**
 * Rows per second since the first look. A resumed copy begins with what was there; only what came since then tells
 * how fast it is.
 */
export function copyRate(): (progress: Pick<CopyProgress, 'copiedRows'>, atMs: number) => number {
  let first: { readonly copiedRows: number; readonly atMs: number } | null = null;
  return ({ copiedRows }, atMs) => {
    first ??= { copiedRows, atMs };
    const seconds = Math.max(0.001, (atMs - first.atMs) / 1000);
    return Math.max(0, copiedRows - first.copiedRows) / seconds;
  };
}
