import type { Category } from '../category.ts';
import { convertRow } from '../convert-image.ts';
import { decodeKey, encodeKey, recordPk } from '../key.ts';
import { tableOf, tablesOf } from '../table-lookup.ts';
import type { PublishEditionDeps } from './publish-edition.ts';
import { readEdition } from './read-edition.ts';

/** Where records are exported from; `edition` is what readers see. */
export const exportSystems = ['flat', 'hierarchical', 'edition'] as const;
export type ExportSystem = (typeof exportSystems)[number];

/** A record in its hierarchical form; `body` is null where there is none, and `note` says why. */
export interface ExportedRecord {
  readonly pk: string;
  readonly body: string | null;
  readonly note?: string;
}

export interface ExportPage {
  readonly records: readonly ExportedRecord[];
  readonly cursor: string | null;
}

const pageRows = 500;
const scanned = 2_000;

/** One page; pass the cursor on until it is null. */
export async function exportPage(
  deps: PublishEditionDeps,
  request: { readonly category: Category; readonly system: ExportSystem; readonly cursor: string | null },
): Promise<ExportPage> {
  if (request.system === 'flat') return await flatPage(deps, request.category, request.cursor);
  if (request.system === 'hierarchical') return await scanPage(deps, request.category, request.cursor);
  return await editionPage(deps, request.category, request.cursor);
}

async function flatPage(
  deps: PublishEditionDeps,
  category: Category,
  cursor: string | null,
): Promise<ExportPage> {
  const [tableAt = 0, id = null] = cursor === null ? [] : (JSON.parse(cursor) as [number, string | null]);
  const tables = tablesOf(deps.definition, category);
  const table = tables[tableAt];
  if (table === undefined) return { records: [], cursor: null };
  const after = id === null ? null : decodeKey(id);
  const page = await deps.source.readRange(table.recordType, { after, upTo: null }, pageRows);
  const records = page.images.flatMap(({ key, row }): ExportedRecord[] => {
    if (row === null) return [];
    const form = convertRow(row, table, deps.clock.nowMs());
    const pk = recordPk(key);
    return form.kind === 'converted'
      ? [{ pk, body: form.body }]
      : [{ pk, body: null, note: `${form.errorName}: ${form.message}` }];
  });
  if (page.nextAfter !== null) {
    return { records, cursor: JSON.stringify([tableAt, encodeKey(page.nextAfter)]) };
  }
  return { records, cursor: tableAt + 1 < tables.length ? JSON.stringify([tableAt + 1, null]) : null };
}

/** The target has no order by category: what is there besides flat's shows only in all of it. */
async function scanPage(
  { target, definition }: PublishEditionDeps,
  category: Category,
  cursor: string | null,
): Promise<ExportPage> {
  const page = await target.scan({ segment: 0, segmentCount: 1, cursor, limit: scanned });
  const ours = page.records.filter((record) => record.category === category && record.state !== 'tombstone');
  const records = ours.map((record): ExportedRecord => {
    const pk = recordPk(record.key);
    if (record.state === 'quarantined') return { pk, body: null, note: 'it is in quarantine' };
    const isOurs = record.intact && tableOf(definition, record.key.recordType).category === category;
    return isOurs ? { pk, body: record.body } : { pk, body: null, note: 'it is not what was written' };
  });
  return { records, cursor: page.cursor };
}

async function editionPage(
  { editions }: PublishEditionDeps,
  category: Category,
  cursor: string | null,
): Promise<ExportPage> {
  const read = await readEdition(editions, category);
  const after = cursor ?? '';
  const rest = (read?.records ?? []).filter(({ pk }) => pk > after);
  const records = rest.slice(0, pageRows);
  return { records, cursor: rest.length > pageRows ? (records.at(-1)?.pk ?? null) : null };
}
