import { convertImage } from '../../../../lib/migration/convert-image.ts';
import { recordTerm } from '../../../../lib/migration/digest-term.ts';
import { addToBucket, emptySums, type BucketSums } from '../../../../lib/migration/kept/bucket-sums.ts';
import { foldLog } from '../../../../lib/migration/kept/fold-log.ts';
import { foldStream } from '../../../../lib/migration/kept/fold-stream.ts';
import { beginDigests } from '../../../../lib/migration/kept/kept-digests.ts';
import type { StreamChange } from '../../../../lib/migration/kept/ports.ts';
import { recordPk } from '../../../../lib/migration/key.ts';
import { isIntact } from '../../../../lib/migration/record-hash.ts';
import type { StoredRecord, TargetRecord } from '../../../../lib/migration/record.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { sha256Bytes } from '../../../../lib/kernel/sha256.ts';
import { smallDefinition } from '../../../simulation/definition.ts';
import { sessionKey } from '../migration-in-memory.ts';

export const category = 'user-sessions';
const table = tableOf(smallDefinition, 'session');
const nowMs = 1_000_000;

/** Two sides with their feeds, and digests of them that a test folds as late and as often as it likes. */
export function twoSides(fold: typeof foldStream = foldStream) {
  const rows = new Map<string, { payload: string | null; sequence: number }>();
  const records = new Map<string, StoredRecord>();
  const log: string[] = [];
  const stream: StreamChange[] = [];
  const counts = { verified: 0, quarantined: 0, tombstoned: 0 };
  const digests = beginDigests(0, [{ category, authority: 'flat', epoch: 1, logThrough: 0, counts }], {
    shard: { folded: null, iterator: '0', isOver: false },
  });
  const store = (id: string, after: StoredRecord | null): void => {
    const before = records.get(id) ?? null;
    if (after === null) records.delete(id);
    else records.set(id, after);
    stream.push({ shardId: 'shard', sequence: String(stream.length + 1), before, after, expired: false });
  };
  return {
    digests,
    rows,
    records,
    log,
    stream,
    /** Flat changes, and logs it. */
    change: (id: string, payload: string | null): void => {
      log.push(id);
      rows.set(id, { payload, sequence: log.length });
    },
    /** The target follows. */
    apply: (id: string): void => {
      const row = rows.get(id);
      const stored = records.get(id);
      if (row === undefined || (stored?.intact === true && stored.version.sequence >= row.sequence)) return;
      store(id, kept(recordOf(id, row)));
    },
    /** Somebody else changes the target; null removes the record. */
    damage: (id: string, body: string | null): void => {
      const record = records.get(id);
      if (record === undefined) return;
      store(id, body === null ? null : kept({ ...record, body }));
    },
    /** Delivers the stream from `from` to `to`, whatever was delivered before. */
    deliver: (from: number, to: number): void => {
      const changes = stream.slice(from, to);
      fold(smallDefinition, digests, { changes, position: digests.position, caughtUp: true }, nowMs);
    },
    readLog: (): void => {
      const [{ logThrough } = { logThrough: 0 }] = digests.categories;
      const ids = [...new Set(log.slice(logThrough))];
      const images = ids.map((id) => imageOf(id, rows.get(id) ?? { payload: null, sequence: 0 }));
      const page = { images, throughSequence: log.length, entryCount: log.length - logThrough };
      foldLog(smallDefinition, digests, category, page);
    },
    /** The sums of one side, computed from all of its records. */
    recomputed: (): BucketSums => {
      const sums = emptySums();
      for (const record of records.values()) addToBucket(sums, sha256Bytes(pkOf(record)), termOf(record), 1);
      return sums;
    },
    /** Keys about which the sides do not say the same. */
    differing: (): readonly string[] =>
      [...new Set([...rows.keys(), ...records.keys()])]
        .filter((id) => {
          const row = rows.get(id);
          const stored = records.get(id);
          const mine = row === undefined ? null : termOf(kept(recordOf(id, row)));
          const theirs = stored === undefined ? null : termOf(stored);
          return mine?.toString('hex') !== theirs?.toString('hex');
        })
        .map((id) => recordPk(sessionKey(id)))
        .toSorted(),
  };
}

function imageOf(id: string, { payload, sequence }: { payload: string | null; sequence: number }) {
  const row = payload === null ? null : { id, payload };
  return { key: sessionKey(id), keyParts: [id], row, version: { epoch: 1, sequence } };
}

function recordOf(id: string, row: { payload: string | null; sequence: number }): TargetRecord {
  return convertImage(imageOf(id, row), table, { nowMs }).record;
}

function kept(record: TargetRecord): StoredRecord {
  return { ...record, intact: isIntact(record) };
}

function pkOf(record: StoredRecord): string {
  return recordPk(record.key);
}

function termOf(record: StoredRecord): Buffer | null {
  return recordTerm(record, table, { nowMs, authority: 'flat', mayExpire: true })?.hash ?? null;
}
