import { encodeEntry, type BackupEntry } from '../backup/backup-entry.ts';
import { readAuthoritativePage } from '../backup/read-authoritative.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { decodeKey, encodeKey } from '../key.ts';
import type { LargeBodies } from '../large-bodies.ts';
import type { FlatSource, TargetStore } from '../ports.ts';
import { tablesOf } from '../table-lookup.ts';
import type { MigrationIdentity } from './ports.ts';
import { pieceLength, sendLine, type TravellingLine } from './text-pieces.ts';
import type { TransferOrigin } from './transfer-manifest.ts';

export interface ExportRowsDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly identity: MigrationIdentity;
  readonly bodies: LargeBodies;
}

/** Whose content is exported; `authority` is the side that is written. */
export const exportedSides = ['flat', 'authority'] as const;
export type ExportedSide = (typeof exportedSides)[number];

export interface ExportBegin {
  /** null where the store has no change log yet: nothing says what changes from now on. */
  readonly origin: TransferOrigin | null;
  readonly authority: 'flat' | 'hierarchical';
  readonly rows: number;
}

export interface RowPage {
  readonly lines: readonly TravellingLine[];
  readonly cursor: string | null;
}

/** Bytes of the lines of one page, as they stand in the answer of a function. */
const pageBytes = 2_500_000;

/**
 * What has to be known before the first row is read. The low watermark comes first: no row that is read later was
 * changed before it without a version of its own. Where versions are needed it throws HalError `ChangeLogMissing` (from
 * the source) before there are any.
 */
export async function beginExport(
  deps: ExportRowsDeps,
  { category, versioned }: { readonly category: Category; readonly versioned: boolean },
): Promise<ExportBegin> {
  const { definition, source, identity } = deps;
  const isLogged = versioned || (await source.isChangeLogInstalled());
  const watermark = isLogged ? await source.lowWatermark(category) : null;
  const { state } = await source.authority(category);
  let rows = 0;
  for (const { recordType } of tablesOf(definition, category)) rows += await source.countRows(recordType);
  const origin =
    watermark === null
      ? null
      : { migrationId: await identity.id(), definition: definition.name, category, watermark };
  return {
    origin,
    authority: state === 'following' ? 'hierarchical' : 'flat',
    rows,
  };
}

/** One page of rows in key order, table after table; pass the cursor on until it is null. */
export async function exportPage(
  deps: ExportRowsDeps,
  request: { readonly category: Category; readonly side: ExportedSide; readonly cursor: string | null },
): Promise<RowPage> {
  const { category, side, cursor } = request;
  const [tableAt = 0, id = null] = cursor === null ? [] : (JSON.parse(cursor) as [number, string | null]);
  const tables = tablesOf(deps.definition, category);
  const table = tables[tableAt];
  if (table === undefined) return { lines: [], cursor: null };
  const after = id === null ? null : decodeKey(id);
  const hierarchical = side === 'authority' && (await deps.source.authority(category)).state === 'following';
  const about = { category, recordType: table.recordType, hierarchical };
  const page = await readAuthoritativePage(deps, about, after);
  const { lines, last } = await linesOf(deps, page.entries);
  if (last !== null) return { lines, cursor: JSON.stringify([tableAt, last]) };
  if (page.nextAfter !== null) return { lines, cursor: JSON.stringify([tableAt, encodeKey(page.nextAfter)]) };
  return { lines, cursor: tableAt + 1 < tables.length ? JSON.stringify([tableAt + 1, null]) : null };
}

/** As many as one answer holds, one at least; `last` is the key where they were cut. */
async function linesOf(
  { bodies }: ExportRowsDeps,
  entries: readonly BackupEntry[],
): Promise<{ readonly lines: readonly TravellingLine[]; readonly last: string | null }> {
  const lines: TravellingLine[] = [];
  let length = 0;
  for (const [at, entry] of entries.entries()) {
    if (entry.row === null) continue;
    const { line } = encodeEntry(entry);
    length += line.length > pieceLength ? 200 : Buffer.byteLength(JSON.stringify(line));
    if (length > pageBytes && lines.length > 0) return { lines, last: entries[at - 1]?.key.id ?? null };
    lines.push(await sendLine(line, (piece) => bodies.put(piece)));
  }
  return { lines, last: null };
}
