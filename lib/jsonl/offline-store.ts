import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';

import { HalError } from '../kernel/errors.ts';
import type { Category } from '../migration/category.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import { categoriesOf } from '../migration/table-lookup.ts';
import { buildIndex } from './build-index.ts';
import { sourceChanged } from './faults.ts';
import { fingerprintOf } from './index-schema.ts';
import type { IndexStore, OfflineLedger, OfflineState, SourceFile, SourceFiles } from './ports.ts';
import { openIndex, type SourceIndex } from './source-index.ts';

/** An index and the files that it is of, as they are listed now. */
export interface OfflineView {
  readonly index: SourceIndex;
  readonly files: readonly SourceFile[];
  /** null until the files were taken as those that are migrated. */
  readonly state: OfflineState | null;
}

/** A flat store of files that do not change while they are copied. */
export interface OfflineStore {
  readonly definition: MigrationDefinition;
  readonly files: SourceFiles;
  /** Throws HalError `SourceChanged` when the files are not those that are migrated, `SourceRejected`. */
  view(): Promise<OfflineView>;
  /** Looks at every file again. Throws HalError `SourceChanged`. */
  verify(): Promise<void>;
  /** Takes the files as those that are migrated. */
  pin(): Promise<void>;
  state(): Promise<OfflineState | null>;
  /** Moves the authority of a category from one state to another; true as well when it was already there. */
  move(category: Category, from: FlatAuthority, to: FlatAuthority): Promise<boolean>;
  close(): void;
}

export interface OfflineStoreParts {
  readonly files: SourceFiles;
  readonly indexes: IndexStore;
  readonly ledger: OfflineLedger;
  readonly definition: MigrationDefinition;
}

interface OpenedIndex {
  readonly fingerprint: string;
  readonly index: SourceIndex;
  files: readonly SourceFile[];
}

export function makeOfflineStore(parts: OfflineStoreParts): OfflineStore {
  const { files, ledger, definition } = parts;
  let opened: Promise<OpenedIndex> | null = null;

  const use = async (pinned: string | null): Promise<OpenedIndex> => {
    const present = await opened?.catch(() => null);
    if (present !== null && present !== undefined && (pinned === null || present.fingerprint === pinned))
      return present;
    present?.index.close();
    opened = openPresent(parts, pinned);
    return await opened;
  };
  const view = async (): Promise<OfflineView> => {
    const state = await ledger.read();
    return { ...(await use(state?.fingerprint ?? null)), state };
  };
  const store: OfflineStore = {
    definition,
    files,
    view,
    async verify() {
      const state = await ledger.read();
      const present = await use(state?.fingerprint ?? null);
      present.files = await sameFiles(files, present.index);
    },
    async pin() {
      const state = await ledger.read();
      if (state !== null) return await store.verify();
      const { fingerprint } = await use(null);
      await store.verify();
      const authorities = Object.fromEntries(
        categoriesOf(definition).map((category) => [category, firstAuthority]),
      );
      if (await ledger.write({ revision: 1, fingerprint, authorities })) return undefined;
      return await store.pin();
    },
    state: () => ledger.read(),
    async move(category, from, to) {
      for (;;) {
        const state = requirePinned(files.place, await ledger.read());
        const present = state.authorities[category] ?? firstAuthority;
        if (isSame(present, to)) return true;
        if (!isSame(present, from)) return false;
        const authorities = { ...state.authorities, [category]: to };
        if (await ledger.write({ ...state, revision: state.revision + 1, authorities })) return true;
      }
    },
    close() {
      void opened?.then(({ index }) => index.close()).catch(() => undefined);
      opened = null;
    },
  };
  return store;
}

export const firstAuthority: FlatAuthority = { epoch: 1, state: 'open' };

function isSame(left: FlatAuthority, right: FlatAuthority): boolean {
  return left.epoch === right.epoch && left.state === right.state;
}

/** Throws HalError `ChangeLogMissing`. */
export function requirePinned(place: string, state: OfflineState | null): OfflineState {
  if (state !== null) return state;
  throw new HalError({
    name: 'ChangeLogMissing',
    message: `The flat store ${place} was not prepared yet: nothing remembers which files are migrated.`,
    remedy: 'Prepare the source first: the phase state-migration does, as does `hal9-migrate state migrate`.',
    exit: 'conflict',
    facts: { place },
  });
}

async function openPresent(parts: OfflineStoreParts, pinned: string | null): Promise<OpenedIndex> {
  const { files, indexes, definition } = parts;
  if (pinned !== null) {
    const kept = await indexes.fetch(pinned);
    if (kept !== null) {
      const index = openIndex(kept, definition);
      return { fingerprint: pinned, index, files: await closedOnFault(index, () => sameFiles(files, index)) };
    }
  }
  const listed = await files.list();
  const fingerprint = fingerprintOf(definition, listed);
  if (pinned !== null && fingerprint !== pinned)
    throw sourceChanged(files.place, ['they are not those that were prepared']);
  const path = (await indexes.fetch(fingerprint)) ?? (await build(parts, listed, fingerprint));
  return { fingerprint, index: openIndex(path, definition), files: listed };
}

async function build(
  { files, indexes, definition }: OfflineStoreParts,
  listed: readonly SourceFile[],
  fingerprint: string,
): Promise<string> {
  const draft = await indexes.draft();
  try {
    await buildIndex(draft, files, listed, definition);
    return await indexes.keep(fingerprint, draft);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function closedOnFault<Result>(index: SourceIndex, effect: () => Promise<Result>): Promise<Result> {
  try {
    return await effect();
  } catch (error) {
    index.close();
    throw error;
  }
}

/** The files of an index as they are listed now: another tag over the same bytes is the same file. */
async function sameFiles(files: SourceFiles, index: SourceIndex): Promise<readonly SourceFile[]> {
  const listed = new Map((await files.list()).map((file) => [file.name, file]));
  const changed: string[] = [];
  const same: SourceFile[] = [];
  for (const indexed of index.files) {
    const present = listed.get(indexed.name);
    listed.delete(indexed.name);
    if (present === undefined) changed.push(`${indexed.name} is gone`);
    else if (present.tag === indexed.tag && present.sizeBytes === indexed.sizeBytes) same.push(present);
    else if ((await sha256Of(files, present)) === indexed.sha256) same.push(present);
    else changed.push(`${indexed.name} has another content`);
  }
  changed.push(...[...listed.keys()].map((name) => `${name} is new`));
  if (changed.length > 0) throw sourceChanged(files.place, changed);
  return same;
}

async function sha256Of(files: SourceFiles, file: SourceFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of files.stream(file)) hash.update(chunk);
  return hash.digest('hex');
}
