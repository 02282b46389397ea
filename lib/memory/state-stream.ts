import type { StateStream, StreamChange, StreamPosition } from '../migration/kept/ports.ts';
import { isIntact } from '../migration/record-hash.ts';
import type { StoredRecord, TargetRecord } from '../migration/record.ts';
import type { MemoryWorld } from './world.ts';

const shardId = 'shard';

/** The stream of the state table from now on; what does not go through `putRecord` is not in it. */
export function makeMemoryStateStream(world: MemoryWorld, pageSize = 100): StateStream {
  const changes: StreamChange[] = [];
  const forward = world.onRecordPut;
  world.onRecordPut = (pk, record, before) => {
    changes.push({
      shardId,
      sequence: String(changes.length + 1),
      before: before === undefined ? null : stored(before),
      after: stored(record),
      expired: false,
    });
    forward(pk, record, before);
  };
  return {
    latest: () =>
      Promise.resolve({ [shardId]: { folded: null, iterator: String(changes.length), isOver: false } }),
    read: (position) => {
      const from = placeOf(position);
      const page = changes.slice(from, from + pageSize);
      const shard = { folded: null, iterator: String(from + page.length), isOver: false };
      return Promise.resolve({
        changes: page,
        position: { [shardId]: { ...shard, folded: position[shardId]?.folded ?? null } },
        caughtUp: page.length < pageSize,
      });
    },
  };
}

function placeOf(position: StreamPosition): number {
  const { folded, iterator } = position[shardId] ?? { folded: null, iterator: null };
  return Number(folded ?? iterator ?? 0);
}

function stored(record: TargetRecord): StoredRecord {
  return { ...record, intact: isIntact(record) };
}
