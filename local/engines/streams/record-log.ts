import type { StreamRecord } from '../ports.ts';

/** The records of one stream with their places; old ones are dropped, as Kinesis does after its retention. */
export interface RecordLog {
  append(partitionKey: string, data: Uint8Array): StreamRecord;
  /** Records from `place` on, at most `limit`, with the place after them; `skipped` counts what retention took. */
  read(
    place: number,
    limit: number,
  ): { readonly records: readonly StreamRecord[]; next: number; skipped: number };
  /** The place of the next record. */
  end(): number;
  lose(share: number): void;
  onAppend(listener: () => void): void;
}

const retainedRecords = 50_000;
const retainedMs = 24 * 3_600_000;

export function makeRecordLog(): RecordLog {
  let records: StreamRecord[] = [];
  let first = 0;
  let lossShare = 0;
  let lossDue = 0;
  const listeners: (() => void)[] = [];

  const isLost = (): boolean => {
    lossDue += lossShare;
    const lost = lossDue >= 1;
    lossDue -= lost ? 1 : 0;
    return lost;
  };
  const dropOld = (): void => {
    // In slices, since cutting the list at every record would copy it each time.
    if (records.length > retainedRecords * 1.2) {
      const tooOld = records.findIndex((record) => record.arrivedAtMs >= Date.now() - retainedMs);
      const dropped = Math.max(records.length - retainedRecords, tooOld);
      records = records.slice(dropped);
      first += dropped;
    }
  };

  return {
    append(partitionKey, data) {
      const place = first + records.length;
      const sequenceNumber = String(place + 1).padStart(56, '4');
      const record = { sequenceNumber, partitionKey, data, arrivedAtMs: Date.now() };
      if (isLost()) {
        return record;
      }
      records.push(record);
      dropOld();
      for (const listener of listeners) {
        listener();
      }
      return record;
    },
    read(place, limit) {
      const from = Math.max(place, first);
      const found = records.slice(from - first, from - first + limit);
      return { records: found, next: from + found.length, skipped: from - place };
    },
    end: () => first + records.length,
    lose(share) {
      lossShare = share;
    },
    onAppend: (listener) => void listeners.push(listener),
  };
}
