import type { Category } from '../category.ts';
import { fitsStores, recordPk } from '../key.ts';
import type { QuarantineStore } from '../ports.ts';
import { compareVersions, type RecordVersion } from '../record.ts';
import { encodeRow } from '../row-encoding.ts';
import { setAsideKey } from '../set-aside-key.ts';
import type { FlatRow } from '../row.ts';
import { contentOf, type BackupEntry } from './backup-entry.ts';
import type { FlatWriteOutcome } from './ports.ts';
import {
  readPresent,
  replacePresent,
  type Present,
  type PresentContentDeps,
  type PresentPage,
} from './present-content.ts';

export interface RestoreEntriesDeps extends PresentContentDeps {
  readonly quarantine: QuarantineStore;
}

/** What a restore does with acknowledged writes that are newer than the checkpoint; neither loses one. */
export type NewerPolicy =
  /** They stay: the restore mends what is damaged or lost and leaves the rest. */
  | 'reapply'
  /** The checkpoint's content comes back, and they go to quarantine, from where they can be replayed. */
  | 'set-aside';

export interface RestoreTask {
  readonly restoreId: string;
  readonly category: Category;
  readonly newer: NewerPolicy;
  /** Version up to which the backup holds everything; null where no log told. */
  readonly cut: RecordVersion | null;
  readonly dryRun: boolean;
}

export type EntryOutcome =
  | 'unchanged'
  | 'restored'
  /** A newer write stayed. */
  | 'kept'
  /** A newer write went to quarantine. */
  | 'setAside'
  /** Neither side has room for the record; it went to quarantine. */
  | 'rejected'
  /** Authority moves, or moved; nothing was written. */
  | 'authority-moved';

/** Largest raw row that a quarantine entry holds whole, in bytes. */
const maxRawBytes = 290_000;
const maxAttempts = 8;
const writesAtOnce = 16;

/** Brings back distinct records of one category, each over exactly the content that was judged. */
export async function restoreEntries(
  deps: RestoreEntriesDeps,
  task: RestoreTask,
  entries: readonly BackupEntry[],
): Promise<readonly EntryOutcome[]> {
  const page = await readPresent(
    deps,
    task.category,
    entries.map(({ key }) => key),
  );
  if (page === null) return entries.map(() => 'authority-moved');
  const outcomes: EntryOutcome[] = [];
  for (let start = 0; start < entries.length; start += writesAtOnce) {
    const group = entries.slice(start, start + writesAtOnce);
    outcomes.push(...(await Promise.all(group.map((entry) => restoreEntry(deps, task, entry, page)))));
  }
  return outcomes;
}

async function restoreEntry(
  deps: RestoreEntriesDeps,
  task: RestoreTask,
  entry: BackupEntry,
  first: PresentPage,
): Promise<EntryOutcome> {
  let page: PresentPage | null = first;
  for (let attempt = 0; attempt < maxAttempts && page !== null; attempt += 1) {
    const present = page.present.get(recordPk(entry.key));
    if (present === undefined) return 'unchanged';
    const outcome = await attemptEntry(deps, task, entry, page, present);
    if (outcome !== 'version-moved') return outcome;
    // Somebody wrote the key meanwhile, which is a newer write like any other.
    page = await readPresent(deps, task.category, [entry.key]);
  }
  return page === null ? 'authority-moved' : 'kept';
}

async function attemptEntry(
  deps: RestoreEntriesDeps,
  task: RestoreTask,
  entry: BackupEntry,
  page: PresentPage,
  present: Present,
): Promise<EntryOutcome | 'version-moved'> {
  const wish = judge(task, entry, present);
  if (task.dryRun || wish === 'unchanged' || wish === 'kept') return wish;
  if (wish === 'setAside' || present.damaged !== null) await putAside(deps, task, present, present.version);
  const written = await replacePresent(deps, task.category, page, { present, row: entry.row });
  if (written.kind === 'rejected') {
    await putRejected(deps, task, entry, written);
    return 'rejected';
  }
  if (written.kind !== 'written') return written.kind;
  // From now on the entry may be replayed while the key is still at this version.
  if (wish === 'setAside') await putAside(deps, task, present, written.version);
  return wish;
}

/** What is to be done with one record; decided before anything is written, so that it can be counted as well. */
function judge(
  task: RestoreTask,
  entry: BackupEntry,
  present: Present,
): 'unchanged' | 'kept' | 'setAside' | 'restored' {
  if (present.damaged === null && contentOf(present.row) === contentOf(entry.row)) return 'unchanged';
  if (!isNewerThan(present, entry.version ?? task.cut)) return 'restored';
  return task.newer === 'reapply' || !fitsQuarantine(present, task) ? 'kept' : 'setAside';
}

/** Without a reference every difference may be somebody's write, and is taken for one. */
function isNewerThan(present: Present, reference: RecordVersion | null): boolean {
  if (present.damaged !== null) return false;
  if (reference === null) return true;
  return present.version !== null && compareVersions(present.version, reference) > 0;
}

function rawOf(row: FlatRow | null): string {
  return row === null ? 'null' : encodeRow(row);
}

export function fitsQuarantine(
  { key, row }: Present,
  { restoreId }: Pick<RestoreTask, 'restoreId'>,
): boolean {
  return Buffer.byteLength(rawOf(row)) <= maxRawBytes && fitsStores(setAsideKey(key, restoreId));
}

/** Before the write that replaces it, so that a crash between leaves an entry too many, never one too few. */
async function putAside(
  { quarantine, clock }: Pick<RestoreEntriesDeps, 'quarantine' | 'clock'>,
  { restoreId, category }: Pick<RestoreTask, 'restoreId' | 'category'>,
  { key, row, damaged }: Present,
  version: RecordVersion | null,
): Promise<void> {
  const rawRow = damaged ?? rawOf(row);
  await quarantine.put({
    key: setAsideKey(key, restoreId),
    category,
    version: version ?? { epoch: 0, sequence: 0 },
    errorName: damaged === null ? 'NewerThanCheckpoint' : 'RecordDamaged',
    errorMessage:
      damaged === null
        ? 'an acknowledged write that a restore put aside'
        : 'a record that does not match its hash, replaced from a backup',
    rawRow,
    rawLengthBytes: Buffer.byteLength(rawRow),
    firstSeenAtMs: clock.nowMs(),
  });
}

async function putRejected(
  { quarantine, clock }: RestoreEntriesDeps,
  { restoreId, category }: RestoreTask,
  entry: BackupEntry,
  { errorName, message }: Extract<FlatWriteOutcome, { kind: 'rejected' }>,
): Promise<void> {
  const rawRow = rawOf(entry.row);
  await quarantine.put({
    key: setAsideKey(entry.key, restoreId),
    category,
    version: entry.version ?? { epoch: 0, sequence: 0 },
    errorName,
    errorMessage: message,
    rawRow,
    rawLengthBytes: Buffer.byteLength(rawRow),
    firstSeenAtMs: clock.nowMs(),
  });
}
