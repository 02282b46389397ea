import { HalError } from '../kernel/errors.ts';
import type { Retention } from './ports.ts';

/** What may go wrong in between must still leave time to notice it. */
const reserveMs = 3_600_000;
/** A forecast is no promise. */
const caution = 1.25;

/** How long a copy that begins now may take, so that everything that changes meanwhile can still be read after it. */
export function copyTimeLeftMs({ keptMs, readAtMs }: Retention, nowMs: number): number {
  return Math.max(0, readAtMs + keptMs - reserveMs - nowMs);
}

/** Throws HalError `CopyTooLong` when a copy of that many seconds would outlast what the store keeps of its changes. */
export function requireCopyTime(retention: Retention, seconds: number, nowMs: number): void {
  const leftMs = copyTimeLeftMs(retention, nowMs);
  if (seconds * 1000 * caution <= leftMs) return;
  throw new HalError({
    name: 'CopyTooLong',
    message: `The copy would take about ${hours(seconds * 1000)}, and the store keeps its changes for ${hours(retention.keptMs)}, of which ${hours(leftMs)} are left.`,
    remedy:
      'Copy with more workers or a higher write budget (hal9-migrate configure state-migration), or one category after the other; see that relay-changes runs.',
    exit: 'gateFailed',
    facts: { seconds, leftMs, ...retention },
  });
}

export function hours(durationMs: number): string {
  return `${(durationMs / 3_600_000).toFixed(1)} h`;
}
