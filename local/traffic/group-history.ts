import type { HistoryEntry, KeyHistory, Observed, ReadOperation, WriteOperation } from './history.ts';
import { readLineChunks } from './read-lines.ts';

export interface HistoryCounts {
  reads: number;
  acknowledgedWrites: number;
  unknownWrites: number;
  /** Writes that were refused for certain. */
  refusedWrites: number;
}

/** The histories of all keys of one file that fits into memory. Adds to `counts`. */
export async function groupHistory(path: string, counts: HistoryCounts): Promise<readonly KeyHistory[]> {
  const keys = new Map<string, GroupedKey>();
  for await (const lines of readLineChunks(path)) {
    for (const line of lines) {
      const entry = JSON.parse(line) as HistoryEntry;
      let key = keys.get(entry.k);
      if (key === undefined) keys.set(entry.k, (key = { initial: null, writes: new Map(), reads: [] }));
      addEntry(key, entry);
    }
  }
  return [...keys].map(([key, grouped]) => finishKey(key, grouped, counts));
}

interface SentWrite extends Omit<WriteOperation, 'acknowledgedAt'> {
  acknowledgedAt: number;
  refused: boolean;
}

interface GroupedKey {
  initial: Observed;
  readonly writes: Map<number, SentWrite>;
  readonly reads: ReadOperation[];
}

function addEntry(key: GroupedKey, entry: HistoryEntry): void {
  switch (entry.e) {
    case 'initial':
      key.initial = entry.v;
      return;
    case 'invoke':
      key.writes.set(entry.i, {
        id: entry.i,
        user: entry.u,
        value: entry.v,
        invokedAt: entry.t,
        acknowledgedAt: Infinity,
        refused: false,
      });
      return;
    case 'read':
      key.reads.push({ id: entry.i, user: entry.u, value: entry.v, invokedAt: entry.t, endedAt: entry.d });
      return;
    case 'ok':
    case 'fail':
      endWrite(key.writes.get(entry.i), entry);
      return;
    case 'info':
    case 'unread':
  }
}

function endWrite(write: SentWrite | undefined, entry: Extract<HistoryEntry, { e: 'ok' | 'fail' | 'info' }>) {
  if (write === undefined) return;
  if (entry.e === 'ok') write.acknowledgedAt = entry.t;
  else write.refused = true;
}

function finishKey(key: string, grouped: GroupedKey, counts: HistoryCounts): KeyHistory {
  const writes: WriteOperation[] = [];
  for (const write of grouped.writes.values()) {
    if (write.refused) counts.refusedWrites += 1;
    else {
      writes.push(write);
      if (write.acknowledgedAt === Infinity) counts.unknownWrites += 1;
      else counts.acknowledgedWrites += 1;
    }
  }
  counts.reads += grouped.reads.length;
  return { key, initial: grouped.initial, writes, reads: grouped.reads };
}
