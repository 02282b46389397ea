import type { TargetStore } from '../../lib/migration/ports.ts';

/** Records that a scan shows. */
export async function seenCount(target: TargetStore): Promise<number> {
  const { records } = await target.scan({ segment: 0, segmentCount: 1, cursor: null, limit: 100 });
  return records.length;
}
