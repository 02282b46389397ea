import * as z from 'zod/mini';

import type { Clock } from '../../kernel/clock.ts';
import { HalError } from '../../kernel/errors.ts';
import { sha256Hex } from '../../kernel/sha256.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { decodeKey, encodeKey } from '../key.ts';
import type { FlatSource, ReversePendingStore, TargetStore } from '../ports.ts';
import type { KeyPart } from '../row.ts';
import { tablesOf } from '../table-lookup.ts';
import { encodeEntry, type BackupEntry } from './backup-entry.ts';
import {
  categoryHashSchema,
  partSchema,
  sealManifest,
  summaryOf,
  type BackupManifest,
  type BackupPart,
  type BackupSummary,
  type CategoryHash,
} from './backup-manifest.ts';
import type { BackupStore } from './ports.ts';
import { readAuthoritativePage } from './read-authoritative.ts';
import { readLaterEntries } from './read-later.ts';

export interface TakeBackupDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly reversePending: ReversePendingStore;
  readonly backups: BackupStore;
  readonly clock: Clock;
  /** Records of one part; default 20,000. */
  readonly partEntries?: number;
  /** Characters of one part before it is packed; default 32 million. */
  readonly partLength?: number;
}

export interface BackupRequest {
  readonly checkpointId: string;
  readonly categories: readonly Category[];
  /** False computes the hashes only; nothing is stored. */
  readonly full: boolean;
  readonly cursor: string | null;
}

export interface BackupProgress {
  readonly entries: number;
  readonly bytes: number;
  /** Of all categories asked for. */
  readonly rows: number;
}

export type BackupAnswer =
  | { readonly done: false; readonly cursor: string; readonly progress: BackupProgress }
  | {
      readonly done: true;
      readonly progress: BackupProgress;
      readonly categories: readonly CategoryHash[];
      /** null when nothing was stored. */
      readonly backup: BackupSummary | null;
    };

const version = z.object({ epoch: z.int(), sequence: z.int() });

/** Where a backup stands between two calls. */
const positionSchema = z.object({
  startedAtMs: z.number(),
  rows: z.int(),
  category: z.int(),
  /** Index of the table; the number of tables while what changed meanwhile is read. */
  table: z.int(),
  /** Encoded key of the last record read. */
  after: z.nullable(z.string()),
  /** Of the category under way, known once it is begun. */
  began: z.nullable(
    z.object({ low: z.nullable(version), authority: z.enum(['flat', 'hierarchical']), epoch: z.int() }),
  ),
  chain: z.string(),
  entries: z.int(),
  parts: z.array(partSchema),
  done: z.array(categoryHashSchema),
  bytes: z.int(),
});

type BackupPosition = z.infer<typeof positionSchema>;

/**
 * Reads every record of the authoritative side, category by category in key order, then what changed while it did so,
 * so that the backup of a category under flat authority is its state at one version. Works until `deadlineMs`, to the
 * end of a part, and continues from the cursor. The manifest is written last: without one there is no backup.
 */
export function makeTakeBackup(
  deps: TakeBackupDeps,
): (request: BackupRequest, deadlineMs: number) => Promise<BackupAnswer> {
  return async (request, deadlineMs) => {
    let position = await firstPosition(deps, request);
    while (position.category < request.categories.length) {
      const category = request.categories[position.category];
      if (category === undefined) break;
      position = await step(deps, request, category, position);
      const isOver = deps.clock.nowMs() >= deadlineMs;
      if (isOver && position.category < request.categories.length) {
        return { done: false, cursor: JSON.stringify(position), progress: progressOf(position) };
      }
    }
    return await finish(deps, request, position);
  };
}

async function firstPosition(deps: TakeBackupDeps, request: BackupRequest): Promise<BackupPosition> {
  if (request.cursor !== null) return positionSchema.parse(JSON.parse(request.cursor));
  let rows = 0;
  for (const category of request.categories) rows += await countRows(deps, category);
  return {
    startedAtMs: deps.clock.nowMs(),
    rows,
    category: 0,
    table: 0,
    after: null,
    began: null,
    chain: '',
    entries: 0,
    parts: [],
    done: [],
    bytes: 0,
  };
}

async function countRows({ definition, source }: TakeBackupDeps, category: Category): Promise<number> {
  let rows = 0;
  for (const { recordType } of tablesOf(definition, category)) rows += await source.countRows(recordType);
  return rows;
}

/** One part, or the end of a category. */
async function step(
  deps: TakeBackupDeps,
  request: BackupRequest,
  category: Category,
  position: BackupPosition,
): Promise<BackupPosition> {
  if (position.began === null)
    return { ...position, began: await begin(deps, category), table: 0, after: null };
  const table = tablesOf(deps.definition, category)[position.table];
  if (table === undefined) return await endCategory(deps, request, category, position);
  const writing = await writePart(deps, request, { category, kind: 'base' }, position, (state) =>
    basePages(deps, { category, recordType: table.recordType }, position, state),
  );
  return writing.after === null
    ? { ...writing.position, table: position.table + 1, after: null }
    : { ...writing.position, after: writing.after };
}

async function begin(
  { source }: TakeBackupDeps,
  category: Category,
): Promise<NonNullable<BackupPosition['began']>> {
  const { state, epoch } = await source.authority(category);
  const authority = state === 'following' ? 'hierarchical' : 'flat';
  const isLogged = authority === 'flat' && (await source.isChangeLogInstalled());
  return { low: isLogged ? await source.lowWatermark(category) : null, authority, epoch };
}

interface PartState {
  entries: number;
  length: number;
  /** Where the next part goes on; null at the end. */
  after: readonly KeyPart[] | null;
}

async function* basePages(
  deps: TakeBackupDeps,
  { category, recordType }: { readonly category: Category; readonly recordType: string },
  position: BackupPosition,
  state: PartState,
): AsyncGenerator<readonly BackupEntry[]> {
  state.after = position.after === null ? null : decodeKey(position.after);
  const hierarchical = position.began?.authority === 'hierarchical';
  do {
    const page = await readAuthoritativePage(deps, { category, recordType, hierarchical }, state.after);
    state.after = page.nextAfter;
    yield page.entries;
  } while (state.after !== null && !isFull(deps, state));
}

function isFull(deps: TakeBackupDeps, { entries, length }: PartState): boolean {
  return entries >= (deps.partEntries ?? 20_000) || length >= (deps.partLength ?? 32_000_000);
}

/** Streams pages into one part while hashing them; without a full backup, only the hashing. */
async function writePart(
  deps: TakeBackupDeps,
  request: BackupRequest,
  about: Pick<BackupPart, 'kind'> & { readonly category: Category },
  position: BackupPosition,
  pages: (state: PartState) => AsyncIterable<readonly BackupEntry[]>,
): Promise<{ readonly position: BackupPosition; readonly after: string | null }> {
  const state: PartState = { entries: 0, length: 0, after: null };
  let { chain } = position;
  async function* blocks(): AsyncGenerator<string> {
    for await (const page of pages(state)) {
      for (const block of inBlocks(page)) {
        for (const { hash } of block) chain = sha256Hex(chain + hash);
        const text = `${block.map(({ line }) => line).join('\n')}\n`;
        state.entries += block.length;
        state.length += text.length;
        yield text;
      }
    }
  }
  const number = position.parts.length + 1;
  const name = `${request.checkpointId}/${about.category}/part-${String(number).padStart(5, '0')}.jsonl.gz`;
  const stored = request.full ? await deps.backups.writePart(name, blocks()) : await consume(blocks());
  const isKept = request.full && state.entries > 0;
  const part = { name, ...about, entries: state.entries, ...stored };
  return {
    after: state.after === null ? null : encodeKey(state.after),
    position: {
      ...position,
      chain,
      entries: position.entries + state.entries,
      bytes: position.bytes + stored.bytes,
      parts: isKept ? [...position.parts, part] : position.parts,
    },
  };
}

/** Records that are packed together, and lost together when a byte of them is. */
const blockEntries = 100;
const blockLength = 1_000_000;

function* inBlocks(page: readonly BackupEntry[]): Generator<ReturnType<typeof encodeEntry>[]> {
  let block: ReturnType<typeof encodeEntry>[] = [];
  let length = 0;
  for (const entry of page) {
    const encoded = encodeEntry(entry);
    block.push(encoded);
    length += encoded.line.length;
    if (block.length < blockEntries && length < blockLength) continue;
    yield block;
    block = [];
    length = 0;
  }
  if (block.length > 0) yield block;
}

async function consume(blocks: AsyncIterable<string>): Promise<{ bytes: number; sha256: string }> {
  for await (const block of blocks) void block;
  return { bytes: 0, sha256: '' };
}

/** Authority that moved took the later writes with it, to where the pages before were not read. */
async function requireSameAuthority(
  source: FlatSource,
  category: Category,
  began: NonNullable<BackupPosition['began']>,
): Promise<void> {
  const { epoch } = await source.authority(category);
  if (epoch === began.epoch) return;
  throw new HalError({
    name: 'BackupOvertaken',
    message: `Authority over ${category} moved from epoch ${began.epoch} to ${epoch} while it was backed up.`,
    remedy: 'Take the checkpoint again.',
    exit: 'conflict',
    facts: { category, began: began.epoch, epoch },
  });
}

/** Reads what changed since the category was begun, and closes it. */
async function endCategory(
  deps: TakeBackupDeps,
  request: BackupRequest,
  category: Category,
  position: BackupPosition,
): Promise<BackupPosition> {
  const { began } = position;
  if (began === null) throw new TypeError(`the backup of ${category} was not begun`);
  const before = position.entries;
  const later = readLaterEntries(deps, category, began);
  const written = await writePart(deps, request, { category, kind: 'later' }, position, () => later.pages());
  await requireSameAuthority(deps.source, category, began);
  const changedMeanwhile = written.position.entries - before;
  const counted = written.position.done.reduce((sum, { entries }) => sum + entries, 0);
  const hash: CategoryHash = {
    category,
    rows: await countRows(deps, category),
    entries: written.position.entries - counted,
    changedMeanwhile,
    sha256: written.position.chain,
    cut: later.cut(),
    authority: began.authority,
    epoch: began.epoch,
  };
  return {
    ...written.position,
    done: [...written.position.done, hash],
    category: position.category + 1,
    table: 0,
    after: null,
    began: null,
    chain: '',
  };
}

async function finish(
  deps: TakeBackupDeps,
  request: BackupRequest,
  position: BackupPosition,
): Promise<BackupAnswer> {
  const progress = progressOf(position);
  const categories = position.done;
  if (!request.full) return { done: true, progress, categories, backup: null };
  const manifest: BackupManifest = sealManifest({
    schemaVersion: 1,
    checkpointId: request.checkpointId,
    definition: deps.definition.name,
    startedAtMs: position.startedAtMs,
    finishedAtMs: deps.clock.nowMs(),
    categories: [...categories],
    parts: [...position.parts],
  });
  await deps.backups.putManifest(request.checkpointId, JSON.stringify(manifest));
  return { done: true, progress, categories, backup: summaryOf(manifest) };
}

function progressOf({ entries, bytes, rows }: BackupPosition): BackupProgress {
  return { entries, bytes, rows };
}
