import type { Category } from './category.ts';
import { contentOf } from './backup/backup-entry.ts';
import {
  readPresent,
  replacePresent,
  type PresentContentDeps,
  type PresentPage,
} from './backup/present-content.ts';
import { convertRow } from './convert-image.ts';
import { recordPk } from './key.ts';
import type { QuarantineEntry, QuarantineStore } from './ports.ts';
import { orphanedEdge } from './neurons/orphaned-edge.ts';
import { compareVersions } from './record.ts';
import { makeRepairKeys } from './repair-keys.ts';
import { decodeRow } from './row-encoding.ts';
import type { FlatRow } from './row.ts';
import { backupRecordType, entryOrigin } from './set-aside-key.ts';
import { tableOf } from './table-lookup.ts';

export interface ReplayQuarantineDeps extends PresentContentDeps {
  readonly quarantine: QuarantineStore;
}

export type ReplayOutcome =
  /** The record is on the target, or was deleted meanwhile; its entry is resolved. */
  | 'replayed'
  /** It still has no hierarchical form; the entry stays, with one attempt more. */
  | 'still-rejected'
  /** The key was written since the restore put this aside; replaying would undo that write. */
  | 'changed-since'
  /** A piece of a backup, or a row that was cut: there is nothing whole to replay. */
  | 'not-replayable'
  /** Authority moves; try again later. */
  | 'authority-moved';

/**
 * Tries one entry again. An entry of the copy reads the record as it is now, so that the row is repaired where it
 * lives, and then goes through the conditional writer; what a restore put aside is written back while nobody wrote the
 * key since. Both may be repeated: a second replay finds nothing to do.
 */
export function makeReplayQuarantine(
  deps: ReplayQuarantineDeps,
): (entry: QuarantineEntry) => Promise<ReplayOutcome> {
  return async (entry) => {
    const origin = entryOrigin(entry.key);
    if (origin.key.recordType === backupRecordType) return 'not-replayable';
    const page = await readPresent(deps, entry.category, [origin.key]);
    if (page === null) return 'authority-moved';
    return origin.restoreId === null
      ? await replayCopied(deps, entry, page)
      : await replaySetAside(deps, entry, page);
  };
}

async function replayCopied(
  deps: ReplayQuarantineDeps,
  entry: QuarantineEntry,
  page: PresentPage,
): Promise<ReplayOutcome> {
  const { category, key } = entry;
  const present = page.present.get(recordPk(key));
  const row = present?.row ?? null;
  const table = tableOf(deps.definition, key.recordType);
  const conversion = row === null ? null : convertRow(row, table, deps.clock.nowMs());
  if (conversion?.kind === 'rejected') {
    await deps.quarantine.put({
      ...entry,
      errorName: conversion.errorName,
      errorMessage: conversion.message,
    });
    return 'still-rejected';
  }
  if (page.side === 'flat') return await repairFromFlat(deps, entry);
  if (present === undefined) return 'authority-moved';
  const stored = (await deps.target.read([key])).get(recordPk(key));
  // Written by its side since: the marker is gone, only the entry was left.
  if (stored !== undefined && stored.state !== 'quarantined')
    return await resolved(deps, entry, stored.version);
  const written = await replacePresent(deps, category, page, { present, row });
  return written.kind === 'written' ? await resolved(deps, entry, written.version) : 'authority-moved';
}

async function repairFromFlat(deps: ReplayQuarantineDeps, entry: QuarantineEntry): Promise<ReplayOutcome> {
  const { category, key } = entry;
  const repaired = await makeRepairKeys(deps)(category, [key]);
  if (repaired.kind === 'not-authority') return 'authority-moved';
  const stored = (await deps.target.read([key])).get(recordPk(key));
  // What the target holds decides: a newer change may have come first, with a fault or without one.
  if (stored === undefined || stored.state === 'quarantined') return 'still-rejected';
  return await resolved(deps, entry, stored.version);
}

async function replaySetAside(
  deps: ReplayQuarantineDeps,
  entry: QuarantineEntry,
  page: PresentPage,
): Promise<ReplayOutcome> {
  const { key } = entryOrigin(entry.key);
  const present = page.present.get(recordPk(key));
  const row = setAsideRow(entry);
  if (row === undefined || present === undefined) return 'not-replayable';
  if (present.damaged === null && contentOf(present.row) === contentOf(row)) {
    return await resolved(deps, entry, entry.version);
  }
  const isUntouched = present.version !== null && compareVersions(present.version, entry.version) === 0;
  if (!isUntouched) return 'changed-since';
  const written = await replacePresent(deps, entry.category, page, { present, row });
  if (written.kind === 'written') return await resolved(deps, entry, entry.version);
  if (written.kind !== 'rejected')
    return written.kind === 'version-moved' ? 'changed-since' : 'authority-moved';
  await deps.quarantine.put({ ...entry, errorName: written.errorName, errorMessage: written.message });
  return 'still-rejected';
}

/** undefined when the entry holds no whole row. */
function setAsideRow({ errorName, rawRow, rawLengthBytes }: QuarantineEntry): FlatRow | null | undefined {
  const isWhole = Buffer.byteLength(rawRow) === rawLengthBytes;
  if (!isWhole || errorName === 'BackupRecordDamaged' || errorName === 'RecordDamaged') return undefined;
  if (rawRow === 'null') return null;
  try {
    return decodeRow(rawRow);
  } catch {
    return undefined;
  }
}

async function resolved(
  { quarantine }: ReplayQuarantineDeps,
  entry: QuarantineEntry,
  version: QuarantineEntry['version'],
): Promise<ReplayOutcome> {
  const upTo = compareVersions(version, entry.version) > 0 ? version : entry.version;
  await quarantine.resolve(entry.key, entry.category, upTo);
  return 'replayed';
}

/** Counts of several replays. */
export type ReplayCounts = Readonly<Record<ReplayOutcome, number>>;

export const noReplays: ReplayCounts = {
  replayed: 0,
  'still-rejected': 0,
  'changed-since': 0,
  'not-replayable': 0,
  'authority-moved': 0,
};

/** One page of a category's entries, each tried once. */
export async function replayPage(
  deps: ReplayQuarantineDeps,
  category: Category,
  cursor: string | null,
): Promise<{ readonly counts: ReplayCounts; readonly cursor: string | null }> {
  const replay = makeReplayQuarantine(deps);
  const page = await deps.quarantine.list(category, cursor, 100);
  const counts = { ...noReplays };
  for (const entry of page.entries) {
    // Somebody took it out of the graph; it comes back by its name only.
    if (entry.errorName !== orphanedEdge) counts[await replay(entry)] += 1;
  }
  return { counts, cursor: page.cursor };
}
