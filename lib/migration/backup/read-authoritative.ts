import { parseExactJson } from '../../kernel/canonical-json.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordPk } from '../key.ts';
import type { FlatSource, SourceImage, TargetStore } from '../ports.ts';
import type { StoredRecord } from '../record.ts';
import type { FlatRow, KeyPart } from '../row.ts';
import { tableOf } from '../table-lookup.ts';
import type { BackupEntry } from './backup-entry.ts';

interface ReadDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
}

/** Rows of one page; the source ends a page earlier when its values are long. */
const pageRows = 500;

/** One page of a table in key order as the side with authority holds it. */
export async function readAuthoritativePage(
  deps: ReadDeps,
  about: { readonly category: Category; readonly recordType: string; readonly hierarchical: boolean },
  after: readonly KeyPart[] | null,
): Promise<{ readonly entries: readonly BackupEntry[]; readonly nextAfter: readonly KeyPart[] | null }> {
  const page = await deps.source.readRange(about.recordType, { after, upTo: null }, pageRows);
  const entries = about.hierarchical
    ? await fromHierarchical(deps, page.images)
    : page.images.map(({ key, row, version }) => ({ key, row, version }));
  return { entries, nextAfter: page.nextAfter };
}

/** The flat row where the hierarchical side has none of its own: a quarantined row lives in flat only. */
export async function fromHierarchical(
  { definition, target }: Pick<ReadDeps, 'definition' | 'target'>,
  images: readonly SourceImage[],
): Promise<readonly BackupEntry[]> {
  const stored = await target.read(images.map(({ key }) => key));
  return images.map(({ key, row, version }) => {
    const record = stored.get(recordPk(key));
    const restored = record === undefined ? undefined : restoredRow(definition, record);
    if (record === undefined || restored === undefined) return { key, row, version };
    return { key, row: restored, version: record.version };
  });
}

/** The flat form of a record; undefined when it has none: damaged, or a marker of a row that does not convert. */
export function restoredRow(
  definition: MigrationDefinition,
  record: StoredRecord,
): FlatRow | null | undefined {
  if (!record.intact || record.state === 'quarantined') return undefined;
  if (record.body === null) return null;
  try {
    return tableOf(definition, record.key.recordType).transform.restore(parseExactJson(record.body));
  } catch {
    return undefined;
  }
}
