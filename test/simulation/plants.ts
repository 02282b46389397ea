import { recordPk } from '../../lib/migration/key.ts';
import type { SourceImage, WriteOutcome } from '../../lib/migration/ports.ts';
import { compareVersions, type TargetRecord } from '../../lib/migration/record.ts';
import { putRecord, type MemoryWorld } from '../../lib/memory/world.ts';
import type { Plant } from './cluster.ts';

type Write = (world: MemoryWorld, record: TargetRecord) => WriteOutcome;

const putBlindly: Write = (world, record) => {
  putRecord(world, recordPk(record.key), record);
  return 'written';
};

const deleteBlindly: Write = (world, record) => {
  if (record.state !== 'tombstone') return putBlindly(world, record);
  world.records.delete(recordPk(record.key));
  return 'written';
};

const deleteIfNewer: Write = (world, record) => {
  const stored = world.records.get(recordPk(record.key));
  if (stored !== undefined && compareVersions(stored.version, record.version) >= 0) return 'kept-newer';
  return deleteBlindly(world, record);
};

const putBySequenceOnly: Write = (world, record) => {
  const stored = world.records.get(recordPk(record.key));
  if (stored !== undefined && stored.version.sequence >= record.version.sequence) return 'kept-newer';
  return putBlindly(world, record);
};

/** A target store of which one method is replaced; the process is interrupted as before. */
function replaceWrites(method: 'insertIfAbsent' | 'applyVersioned' | 'repair', write: Write): Plant {
  return (ports, { world, process }) => ({
    ...ports,
    target: {
      ...ports.target,
      async [method](records: readonly TargetRecord[]) {
        await process.interleave(`target.${method}:call`);
        const outcomes = records.map((record) => write(world, record));
        await process.interleave(`target.${method}:reply`);
        return outcomes;
      },
    },
  });
}

function all(...plants: readonly Plant[]): Plant {
  return (ports, stores) => plants.reduce((planted, plant) => plant(planted, stores), ports);
}

function withoutVersion(image: SourceImage): SourceImage {
  return { ...image, version: null };
}

/** Bugs that look right, and that the simulation has to find. Each is what removing one guard would do. */
export const plants: Readonly<Record<string, Plant>> = {
  'blind-backfill-and-apply': all(
    replaceWrites('insertIfAbsent', putBlindly),
    replaceWrites('applyVersioned', deleteBlindly),
  ),
  'blind-backfill': replaceWrites('insertIfAbsent', putBlindly),
  'physical-delete': replaceWrites('applyVersioned', deleteIfNewer),
  'high-watermark': (ports) => ({
    ...ports,
    source: {
      ...ports.source,
      async readRange(recordType, range, limit) {
        const page = await ports.source.readRange(recordType, range, limit);
        const highWatermark = await ports.source.lowWatermark('user-sessions');
        const { epoch } = page.lowWatermark;
        return {
          ...page,
          images: page.images.map(withoutVersion),
          lowWatermark: { epoch, sequence: highWatermark.sequence },
        };
      },
    },
  }),
  'blind-repair': replaceWrites('repair', putBlindly),
  'epoch-ignored': replaceWrites('applyVersioned', putBySequenceOnly),
  'no-drain-forward': (ports) => ({
    ...ports,
    source: {
      ...ports.source,
      // Only a drain bounds what it reads; the relay works as it should.
      readChanges: (category, afterSequence, limit, throughSequence) =>
        throughSequence === undefined
          ? ports.source.readChanges(category, afterSequence, limit)
          : Promise.resolve({ images: [], throughSequence: afterSequence, entryCount: 0 }),
    },
  }),
  'no-drain-reverse': (ports) => ({
    ...ports,
    reversePending: { ...ports.reversePending, list: () => Promise.resolve([]) },
  }),
  'unfenced-checkpoint': (ports, { world }) => ({
    ...ports,
    ranges: {
      ...ports.ranges,
      async checkpoint(rangeId, fence, after, counts, leaseMs) {
        const range = world.ranges.get(rangeId);
        const holder = range?.state === 'leased' ? range.fence : fence;
        return await ports.ranges.checkpoint(rangeId, holder, after, counts, leaseMs);
      },
    },
  }),
  'checkpoint-before-write': (ports, { world }) => ({
    ...ports,
    target: {
      ...ports.target,
      insertIfAbsent: (records) => {
        // Claims success without waiting, as a worker that does not await its writes would.
        void ports.target.insertIfAbsent(records).catch(() => world);
        return Promise.resolve(records.map(() => 'written' as const));
      },
    },
  }),
  'finish-before-apply': (ports) => ({
    ...ports,
    target: {
      ...ports.target,
      applyVersioned: (records) => {
        void ports.target.applyVersioned(records).catch(() => undefined);
        return Promise.resolve(records.map(() => 'written' as const));
      },
    },
  }),
  'flat-never-fenced': (ports) => ({
    ...ports,
    source: {
      ...ports.source,
      fence: async (category) => ({ fenced: true, last: await ports.source.lowWatermark(category) }),
    },
  }),
};
