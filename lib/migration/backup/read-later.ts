import { groupCount } from '../bucket.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { decodeKey } from '../key.ts';
import type { FlatSource, ReversePendingStore, TargetStore } from '../ports.ts';
import type { RecordVersion } from '../record.ts';
import type { BackupEntry } from './backup-entry.ts';
import { fromHierarchical } from './read-authoritative.ts';

interface ReadDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly reversePending: ReversePendingStore;
}

interface Began {
  readonly low: RecordVersion | null;
  readonly authority: 'flat' | 'hierarchical';
}

export interface LaterEntries {
  pages(): AsyncIterable<readonly BackupEntry[]>;
  /** Known when the pages are read; null where no log tells. */
  cut(): RecordVersion | null;
}

/** Log entries of one page. */
const pageEntries = 500;
/** Reverse-pending entries of one group that are looked at. */
const pendingOfGroup = 1_000;

/**
 * What changed since the category was begun. Under flat authority the change log says it to the end: its last page is
 * one snapshot, which the category then is at as a whole. Under hierarchical authority there is no such log; what flat
 * lacks is read from the reverse-pending set, and each record is of some moment of the backup.
 */
export function readLaterEntries(deps: ReadDeps, category: Category, began: Began): LaterEntries {
  if (began.authority === 'hierarchical') {
    return { pages: () => pendingPages(deps, category), cut: () => null };
  }
  let cut = began.low;
  async function* pages(): AsyncGenerator<readonly BackupEntry[]> {
    while (cut !== null) {
      const page = await deps.source.readChanges(category, cut.sequence, pageEntries);
      cut = { epoch: cut.epoch, sequence: page.throughSequence };
      if (page.images.length > 0) yield page.images.map(({ key, row, version }) => ({ key, row, version }));
      if (page.entryCount < pageEntries) return;
    }
  }
  return { pages, cut: () => cut };
}

async function* pendingPages(deps: ReadDeps, category: Category): AsyncGenerator<readonly BackupEntry[]> {
  for (let group = 0; group < groupCount; group += 1) {
    const pending = await deps.reversePending.list(category, group, pendingOfGroup);
    if (pending.length === 0) continue;
    const images = pending.map(({ key, version }) => ({
      key,
      keyParts: decodeKey(key.id),
      row: null,
      version,
    }));
    yield await fromHierarchical(deps, images);
  }
}
