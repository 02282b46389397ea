import type { AuditStream } from '../../lib/migration/audit-chain/ports.ts';
import { auditStreamsOf } from '../../lib/migration/audit-chain/verify-audit.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { FlatSource, KeyRange, SourceImage } from '../../lib/migration/ports.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';
import { presentRow, type ApiRow } from '../hal9/api-row.ts';

/** A row that was there before the users came. */
export interface SampledRow {
  readonly table: MigratedTable;
  /** Encoded key. */
  readonly id: string;
  readonly row: ApiRow;
}

export interface SampleOptions {
  readonly rowsPerTable: number;
  /** Rows whose JSON is longer are left alone, so that the sample stays small. */
  readonly maxRowCharacters: number;
}

/**
 * Rows from all over each table: a few ranges chosen evenly at random while their plan is streamed, and of each
 * the first page. Rows without a hierarchical form are left out, since no user could write them after the switch, and so
 * are the events of audit streams.
 */
export async function sampleRows(
  deps: { source: FlatSource; definition: MigrationDefinition; random: Random },
  options: SampleOptions,
): Promise<readonly SampledRow[]> {
  const sampled: SampledRow[] = [];
  const streams = auditStreamsOf(deps);
  for (const table of deps.definition.tables) {
    const ranges = await chooseRanges(deps, table.recordType);
    const perRange = Math.ceil(options.rowsPerTable / Math.max(1, ranges.length));
    for (const range of ranges) {
      const hasStream = streams.some(({ recordType }) => recordType === table.recordType);
      // The events of a stream stand beside each other, and what is left without them may come late in the range.
      const limit = hasStream ? Math.max(perRange, rowsPerRange) : perRange;
      const { images } = await deps.source.readRange(table.recordType, range, limit);
      const writable = images.filter((image) => !isAudited(image, streams)).slice(0, perRange);
      sampled.push(...usableRows(table, writable, options.maxRowCharacters));
    }
  }
  return sampled;
}

const rangesPerTable = 8;
const rowsPerRange = 250;

async function chooseRanges(
  deps: { source: FlatSource; random: Random },
  recordType: string,
): Promise<readonly KeyRange[]> {
  const chosen: KeyRange[] = [];
  let seen = 0;
  for await (const range of deps.source.planRanges(recordType, rowsPerRange)) {
    const position = seen < rangesPerTable ? seen : randomInt(deps.random, seen + 1);
    if (position < rangesPerTable) chosen[position] = range;
    seen += 1;
  }
  return chosen;
}

/** An audit stream has one writer, who numbers it without a gap. */
function isAudited({ key, keyParts }: SourceImage, streams: readonly AuditStream[]): boolean {
  return streams.some(({ recordType, stream }) => recordType === key.recordType && stream === keyParts[0]);
}

function usableRows(
  table: MigratedTable,
  images: readonly SourceImage[],
  maxRowCharacters: number,
): readonly SampledRow[] {
  return images.flatMap(({ key, keyParts, row }) => {
    if (row === null || !isUsableId(key.id)) return [];
    if (table.transform.convert(row, { nowMs: 0 }).kind === 'rejected') return [];
    const apiRow = presentRow(table, row);
    if (JSON.stringify(apiRow).length > maxRowCharacters) return [];
    return [{ table, id: encodeKey(keyParts), row: apiRow }];
  });
}

/** URLs resolve dots away, and proxies differ about empty segments and very long ones. */
function isUsableId(id: string): boolean {
  return id !== '' && id !== '.' && id !== '..' && id.length < 512 && !id.includes('\u0000');
}
