import { parseExactJson } from '../../kernel/canonical-json.ts';
import { contentOf, decodeEntry } from '../backup/backup-entry.ts';
import { convertRow } from '../convert-image.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordPk } from '../key.ts';
import type { FlatRow } from '../row.ts';
import { tablesByType, type MigratedTable } from '../table-lookup.ts';
import { encodeRecordLine } from './record-line.ts';

export type TransformedLine =
  | { readonly kind: 'record'; readonly line: string }
  | {
      readonly kind: 'rejected';
      readonly pk: string | null;
      readonly errorName: string;
      readonly message: string;
    };

export interface TransformOptions {
  readonly nowMs: number;
  /** Whether each record is turned back and compared with its row. */
  readonly restoreEach: boolean;
}

/** One exported row as the hierarchical record that the copy makes of it. */
export function makeTransformLine(
  definition: MigrationDefinition,
  options: TransformOptions,
): (line: string) => TransformedLine {
  const tables = tablesByType(definition);
  return (line) => {
    const decoded = decodeEntry(line);
    if (decoded.kind === 'damaged') return rejected(decoded.pk, 'LineDamaged', decoded.reason);
    const { key, version, row } = decoded.entry;
    const pk = recordPk(key);
    const table = tables.get(key.recordType);
    if (table === undefined) return rejected(pk, 'UnknownRecordType', `no record type ${key.recordType}`);
    if (row === null) return rejected(pk, 'RowMissing', 'the line has no row');
    if (!isOfItself(table)) return rejected(pk, 'RowIncomplete', 'its record needs values of other rows');
    const form = convertRow(row, table, options.nowMs);
    if (form.kind === 'rejected') return rejected(pk, form.errorName, form.message);
    if (options.restoreEach && !isRestored(table, form.body, row)) {
      return rejected(pk, 'NotRestorable', 'turned back, the record is not its row');
    }
    return { kind: 'record', line: encodeRecordLine({ key, version, body: form.body }) };
  };
}

/** Whether a row is all that its record is made of. */
export function isOfItself({ derived = [] }: MigratedTable): boolean {
  return derived.length === 0;
}

function isRestored(table: MigratedTable, body: string, row: FlatRow): boolean {
  try {
    return contentOf(table.transform.restore(parseExactJson(body))) === contentOf(row);
  } catch {
    return false;
  }
}

function rejected(pk: string | null, errorName: string, message: string): TransformedLine {
  return { kind: 'rejected', pk, errorName, message };
}
