import type { Category } from '../migration/category.ts';
import type { FlatAuthority } from '../migration/ports.ts';

/** One file of an offline store, as it was listed. */
export interface SourceFile {
  /** Path below the store's place, with `/`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Another one whenever the content is another: the ETag of an object; times and number of a file. */
  readonly tag: string;
}

/**
 * The files of an offline store. Adapters: `lib/jsonl/local-files.ts`, `lib/aws/source-objects.ts`; contract:
 * `test/contract/source-files.ts`.
 */
export interface SourceFiles {
  /** For messages. */
  readonly place: string;
  /** Every file, by name. Throws HalError `SourceMissing`, `SourceUnreadable`. */
  list(): Promise<readonly SourceFile[]>;
  /** Throws HalError `SourceChanged` when the file is not what was listed. */
  stream(file: SourceFile): AsyncIterable<Uint8Array>;
  /** Throws HalError `SourceChanged` when the file is not what was listed. */
  read(file: SourceFile, from: number, length: number): Promise<Uint8Array>;
}

/** Where indexes of files are kept, each under the fingerprint of what it was made of; none is ever changed. */
export interface IndexStore {
  /** Path of a file on this machine; null when nobody has kept that index. */
  fetch(fingerprint: string): Promise<string | null>;
  /** Where a new index may be built. */
  draft(): Promise<string>;
  /** Keeps a draft and returns its place on this machine. */
  keep(fingerprint: string, draft: string): Promise<string>;
}

/** What a migration remembers of a store that cannot remember it itself. */
export interface OfflineState {
  readonly revision: number;
  /** Of the files that are migrated. */
  readonly fingerprint: string;
  readonly authorities: Readonly<Record<Category, FlatAuthority>>;
}

/** Adapter: `lib/aws/offline-ledger.ts`. */
export interface OfflineLedger {
  read(): Promise<OfflineState | null>;
  /** Only over revision `next.revision - 1`; false when that is not the present one. */
  write(next: OfflineState): Promise<boolean>;
}
