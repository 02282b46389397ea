import type { Category } from '../category.ts';
import type { RecordVersion } from '../record.ts';
import type { FlatRow, RecordKey } from '../row.ts';

/** A part as it is stored: length and sha256 of its bytes. */
interface StoredPart {
  readonly bytes: number;
  readonly sha256: string;
}

/** A piece of a part that can be read by itself, so that damage costs no more than one. */
export type ReadBlock =
  | { readonly kind: 'intact'; readonly text: string }
  | { readonly kind: 'damaged'; readonly reason: string; readonly raw: Uint8Array };

/**
 * Where backups are kept. Adapters: `lib/aws/backup-store.ts`, `lib/memory/backup-store.ts`; contract:
 * `test/contract/backup-store.ts`.
 */
export interface BackupStore {
  /** Streams the blocks; nothing is there under that name until all of them are. Replaces a part of the same name. */
  writePart(name: string, blocks: AsyncIterable<string>): Promise<StoredPart>;
  /** Streams a part's blocks in order through `visit`, and tells what is really stored; null when there is no such part. */
  readPart(name: string, visit: (block: ReadBlock) => Promise<void>): Promise<StoredPart | null>;
  /** False when the checkpoint has a manifest already, which then stays. */
  putManifest(checkpointId: string, text: string): Promise<boolean>;
  readManifest(checkpointId: string): Promise<string | null>;
}

export type FlatWriteOutcome =
  | { readonly kind: 'written'; readonly version: RecordVersion }
  /** Somebody wrote the key since it was read; look at it again. */
  | { readonly kind: 'version-moved' }
  /** Flat is not open at that epoch. */
  | { readonly kind: 'authority-moved' }
  /** The table has no room for the row. */
  | { readonly kind: 'rejected'; readonly errorName: string; readonly message: string };

/**
 * Writes into the flat store over content that was read before, never over anything newer.
 * Adapters: `lib/sqlite/flat-writer.ts`, `lib/memory/flat-writer.ts`; contract: `test/contract/flat-writer.ts`.
 */
export interface FlatWriter {
  /**
   * In one transaction: flat is open at `epoch`, the key's newest version is still `expected`, the row (null deletes)
   * is written and logged like any other change.
   */
  writeIf(
    change: { readonly category: Category; readonly key: RecordKey; readonly row: FlatRow | null },
    expected: {
      readonly epoch: number;
      readonly version: RecordVersion | null;
      /** What was read with the version, for a store whose log is always a little behind. */
      readonly row?: FlatRow | null;
    },
  ): Promise<FlatWriteOutcome>;
}
