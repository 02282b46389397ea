import type { SmallRows } from '../contract/flat-rows.ts';
import { encodeRow } from '../../lib/migration/row-encoding.ts';
import { tableOf } from '../../lib/migration/table-lookup.ts';
import { smallDefinition } from '../simulation/definition.ts';

/** Rows as the text of one JSON Lines file per table. */
export function smallFiles(rows: SmallRows): ReadonlyMap<string, string> {
  const files = new Map(smallDefinition.tables.map(({ table }) => [`${table}.jsonl`, '']));
  for (const [recordType, row] of rows) {
    const name = `${tableOf(smallDefinition, recordType).table}.jsonl`;
    files.set(name, `${files.get(name) ?? ''}${encodeRow(row)}\n`);
  }
  return files;
}
