import type { HeldLog } from './ports.ts';

/** From here on people are told. */
export const highHeldLogPercent = 50;

/** From here on nothing that makes more of it should begin. */
export const fullHeldLogPercent = 80;

/** Counts as full where the server has no limit: the size of its disk is known to nobody here. */
const unlimitedBytes = 16 * 1024 ** 3;

/** How much of what the server may keep it keeps, in percent; 100 when it gave the log up. */
export function heldLogPercent({ heldBytes, roomBytes, isLost }: HeldLog): number {
  if (isLost) return 100;
  const mostBytes = roomBytes === null ? unlimitedBytes : heldBytes + Math.max(0, roomBytes);
  return mostBytes === 0 ? 0 : Math.min(100, (100 * heldBytes) / mostBytes);
}

/** For example `12.0 MB kept by slot hal9_migrate_1f, room for 88.0 MB more`. */
export function describeHeldLog({ slot, heldBytes, roomBytes, isLost }: HeldLog): string {
  if (isLost) return `slot ${slot} is lost: changes that were not read yet are gone`;
  const room =
    roomBytes === null
      ? 'no limit but the disk (max_slot_wal_keep_size is -1)'
      : `room for ${megabytes(Math.max(0, roomBytes))} more`;
  return `${megabytes(heldBytes)} kept by slot ${slot}, ${room}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
