import type { HierarchicalRecords } from '../../gateway/ports.ts';
import type { Clock } from '../../kernel/clock.ts';
import { groupOf } from '../bucket.ts';
import type { Category } from '../category.ts';
import { convertRow } from '../convert-image.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordPk } from '../key.ts';
import type { FlatSource, TargetStore } from '../ports.ts';
import { sealRecord } from '../record-hash.ts';
import type { RecordVersion } from '../record.ts';
import type { FlatRow, RecordKey } from '../row.ts';
import { tableOf } from '../table-lookup.ts';
import type { FlatWriter, FlatWriteOutcome } from './ports.ts';
import { restoredRow } from './read-authoritative.ts';

export interface PresentContentDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly hierarchical: Pick<HierarchicalRecords, 'write'>;
  readonly flatWriter: FlatWriter;
  readonly clock: Clock;
}

/** What a key holds at the side with authority. */
export interface Present {
  readonly key: RecordKey;
  readonly row: FlatRow | null;
  /** The version to be replaced; null when the key has none. */
  readonly version: RecordVersion | null;
  /** Body of a record that is there and cannot be read; what it held nobody can say. null when all is well. */
  readonly damaged: string | null;
}

export interface PresentPage {
  readonly side: 'flat' | 'hierarchical';
  readonly epoch: number;
  readonly present: ReadonlyMap<string, Present>;
}

/** null while authority moves: nobody may be written to then. */
export async function readPresent(
  deps: PresentContentDeps,
  category: Category,
  keys: readonly RecordKey[],
): Promise<PresentPage | null> {
  const { images } = await deps.source.readCurrent(category, keys);
  // An epoch belongs to one side for ever, so asking after the snapshot tells whose content it holds.
  const { state, epoch } = await deps.source.authority(category);
  if (state === 'fenced') return null;
  if (state === 'open') {
    const entries = images.map(({ key, row, version }): [string, Present] => [
      recordPk(key),
      { key, row, version, damaged: null },
    ]);
    return { side: 'flat', epoch, present: new Map(entries) };
  }
  const stored = await deps.target.read(keys);
  const entries = images.map(({ key, row: flatRow }): [string, Present] => {
    const record = stored.get(recordPk(key));
    if (record === undefined) return [recordPk(key), { key, row: null, version: null, damaged: null }];
    // A row that does not convert lives in flat until a hierarchical write replaces its marker.
    const row = record.state === 'quarantined' ? flatRow : restoredRow(deps.definition, record);
    const damaged = row === undefined ? (record.body ?? '') : null;
    return [recordPk(key), { key, row: row ?? null, version: record.version, damaged }];
  });
  return { side: 'hierarchical', epoch, present: new Map(entries) };
}

/** A new write over exactly what was read, with the next version of the side that has authority. */
export async function replacePresent(
  deps: PresentContentDeps,
  category: Category,
  page: Pick<PresentPage, 'side' | 'epoch'>,
  change: { readonly present: Present; readonly row: FlatRow | null },
): Promise<FlatWriteOutcome> {
  const { present, row } = change;
  if (page.side === 'flat') {
    const expected = { epoch: page.epoch, version: present.version, row: present.row };
    return await deps.flatWriter.writeIf({ category, key: present.key, row }, expected);
  }
  return await writeHierarchical(deps, category, page.epoch, change);
}

async function writeHierarchical(
  deps: PresentContentDeps,
  category: Category,
  epoch: number,
  { present, row }: { readonly present: Present; readonly row: FlatRow | null },
): Promise<FlatWriteOutcome> {
  const { key, version: expected } = present;
  if (expected !== null && expected.epoch > epoch) return { kind: 'authority-moved' };
  const version = { epoch, sequence: expected?.epoch === epoch ? expected.sequence + 1 : 1 };
  const identity = { key, category, version, origin: 'hierarchical' } as const;
  const converted =
    row === null ? null : convertRow(row, tableOf(deps.definition, key.recordType), deps.clock.nowMs());
  if (converted?.kind === 'rejected') return converted;
  const record =
    converted === null
      ? sealRecord({ ...identity, state: 'tombstone', body: null })
      : sealRecord({
          ...identity,
          state: 'live',
          body: converted.body,
          ...(converted.expiresAtS === undefined ? {} : { expiresAtS: converted.expiresAtS }),
        });
  const outcome = await deps.hierarchical.write(record, { group: groupOf(key), expected });
  if (outcome === 'written') return { kind: 'written', version };
  return { kind: outcome === 'authority-moved' ? 'authority-moved' : 'version-moved' };
}
