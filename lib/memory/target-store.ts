import { admitsInsert, admitsNewer, admitsRepair } from '../migration/admission.ts';
import { recordPk } from '../migration/key.ts';
import type { TargetStore, WriteOutcome } from '../migration/ports.ts';
import { isIntact } from '../migration/record-hash.ts';
import { isCanary } from '../migration/reverse-canary.ts';
import type { RecordVersion, StoredRecord, TargetRecord } from '../migration/record.ts';
import { observation, uninterrupted, type Interleave } from './interleave.ts';
import { putRecord, type MemoryWorld } from './world.ts';

/** A batch is one request, but every record in it is a write of its own: an interruption leaves a part of it. */
export function makeMemoryTargetStore(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
): TargetStore {
  const writeAll = async (
    name: string,
    records: readonly TargetRecord[],
    admits: (stored: TargetRecord | undefined, record: TargetRecord) => boolean,
  ): Promise<readonly WriteOutcome[]> => {
    refuseRepeatedKeys(records);
    const outcomes: WriteOutcome[] = [];
    await interleave(`${name}:call`);
    for (const [at, record] of records.entries()) {
      if (at > 0) await interleave(`${name}:record`);
      const pk = recordPk(record.key);
      const admitted = admits(world.records.get(pk), record);
      if (admitted) putRecord(world, pk, record);
      outcomes.push(admitted ? 'written' : 'kept-newer');
    }
    await interleave(`${name}:reply`);
    return outcomes;
  };
  return {
    insertIfAbsent: (records) =>
      writeAll('target.insertIfAbsent', records, (stored) => admitsInsert(versionOf(stored))),
    applyVersioned: (records) =>
      writeAll('target.applyVersioned', records, (stored, record) =>
        admitsNewer(versionOf(stored), record.version),
      ),
    repair: (records) =>
      writeAll('target.repair', records, (stored, record) => admitsRepair(versionOf(stored), record.version)),
    read: (keys) =>
      observation(interleave, 'target.read', () => {
        const found = keys.flatMap((key): [string, StoredRecord][] => {
          const record = world.records.get(recordPk(key));
          return record === undefined ? [] : [[recordPk(key), asStored(record)]];
        });
        return new Map(found);
      }),
    scan: (page) => observation(interleave, 'target.scan', () => scan(world, page)),
  };
}

/** As found: what was stored is checked again at every read. */
export function asStored(record: TargetRecord): StoredRecord {
  return { ...record, intact: isIntact(record) };
}

function versionOf(stored: TargetRecord | undefined): RecordVersion | null {
  return stored?.version ?? null;
}

function refuseRepeatedKeys(records: readonly TargetRecord[]): void {
  if (records.length > 25) throw new RangeError(`${records.length} records in a batch, 25 at most`);
  const keys = new Set(records.map((record) => recordPk(record.key)));
  if (keys.size !== records.length) throw new RangeError('a batch holds a key twice');
}

type ScanPage = Parameters<TargetStore['scan']>[0];

function scan(
  world: MemoryWorld,
  page: ScanPage,
): { records: readonly StoredRecord[]; cursor: string | null } {
  const { cursor, limit, segment, segmentCount } = page;
  const keys = [...world.records.keys()]
    .filter((pk) => segmentOf(pk, segmentCount) === segment && (cursor === null || pk > cursor))
    .toSorted();
  const taken = keys.slice(0, limit);
  const records = taken.flatMap((pk) => {
    const record = world.records.get(pk);
    return record === undefined || isCanary(record.key) ? [] : [asStored(record)];
  });
  return { records, cursor: keys.length > limit ? (taken.at(-1) ?? null) : null };
}

function segmentOf(pk: string, segmentCount: number): number {
  let sum = 0;
  for (let at = 0; at < pk.length; at += 1) sum = (sum * 31 + pk.charCodeAt(at)) >>> 0;
  return sum % segmentCount;
}
