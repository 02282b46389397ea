import { crc32 } from 'node:zlib';

import { HalError } from '../kernel/errors.ts';
import type { FlatRow } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { sourceChanged } from './faults.ts';
import { tableOfFile } from './file-names.ts';
import type { OfflineStore, OfflineView } from './offline-store.ts';
import type { SourceFile } from './ports.ts';
import { readLine } from './read-line.ts';
import type { RowPlace } from './source-index.ts';

/** Rows closer than this in a file are read together. */
const gapBytes = 32 * 1024;
const longestReadBytes = 4 * 1024 * 1024;
const readsAtOnce = 8;

/** The rows at their places, in that order. Throws HalError `SourceChanged` for a line that is another one now. */
export async function readRows(
  store: OfflineStore,
  view: OfflineView,
  recordType: string,
  places: readonly RowPlace[],
): Promise<readonly FlatRow[]> {
  try {
    return await readOnce(store, view, recordType, places);
  } catch (fault) {
    if (!(fault instanceof HalError) || fault.name !== 'SourceChanged') throw fault;
    // Perhaps the same bytes were only put there again.
    await store.verify();
    return await readOnce(store, await store.view(), recordType, places);
  }
}

async function readOnce(
  store: OfflineStore,
  view: OfflineView,
  recordType: string,
  places: readonly RowPlace[],
): Promise<readonly FlatRow[]> {
  const rows = new Map<RowPlace, FlatRow>();
  const reads = joinedReads(places);
  const next = async (): Promise<void> => {
    for (let read = reads.pop(); read !== undefined; read = reads.pop()) {
      const { file, from, to } = read;
      const listed = view.files[file];
      if (listed === undefined) throw sourceChanged(store.files.place, ['a file is gone']);
      const bytes = await store.files.read(listed, from, to - from);
      for (const place of read.places) {
        const line = bytes.subarray(place.start - from, place.start - from + place.length);
        if (crc32(line) !== place.crc)
          throw sourceChanged(store.files.place, [`${listed.name}:${place.line} is another line`]);
        rows.set(place, parsed(store, view, { recordType, listed, line }));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(readsAtOnce, reads.length) }, next));
  return places.map((place) => rows.get(place) ?? {});
}

function parsed(
  { definition }: OfflineStore,
  { index }: OfflineView,
  at: { readonly recordType: string; readonly listed: SourceFile; readonly line: Uint8Array },
): FlatRow {
  const { tables } = definition;
  const { row } = readLine(at.line, tableOfFile(tables, at.listed.name), tables);
  const isDerived = (tableOf(definition, at.recordType).derived ?? []).length > 0;
  return isDerived ? { ...row, ...index.derived(at.recordType, row) } : row;
}

interface JoinedRead {
  readonly file: number;
  readonly from: number;
  to: number;
  readonly places: RowPlace[];
}

function joinedReads(places: readonly RowPlace[]): JoinedRead[] {
  const reads: JoinedRead[] = [];
  const inOrder = places.toSorted((left, right) => left.file - right.file || left.start - right.start);
  for (const place of inOrder) {
    const last = reads.at(-1);
    const to = place.start + place.length;
    const isNear =
      last !== undefined &&
      last.file === place.file &&
      place.start - last.to <= gapBytes &&
      to - last.from <= longestReadBytes;
    if (!isNear) reads.push({ file: place.file, from: place.start, to, places: [place] });
    else {
      last.to = Math.max(last.to, to);
      last.places.push(place);
    }
  }
  return reads;
}
