import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import { recordPk } from './key.ts';
import type { FlatSource, ReverseChange, TargetStore } from './ports.ts';
import { reverseChange } from './reverse-changes.ts';
import type { RecordKey } from './row.ts';

interface MendFlatDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
}

export interface MendedRows {
  readonly written: number;
  /** A newer change was carried to flat since. */
  readonly keptNewer: number;
  /** There is no sound record to take the row from, or flat does not follow any more: left as it is. */
  readonly refused: number;
}

/**
 * While flat follows: writes what the records say over rows that differ. It carries the version of the record that was
 * read, so nothing that a newer record brought is ever written over; what has not been carried yet comes after it. A
 * row of which the target has no record at all is left: deleting it is nothing that a record says.
 */
export async function mendFlat(
  { definition, source, target }: MendFlatDeps,
  category: Category,
  keys: readonly RecordKey[],
): Promise<MendedRows> {
  const stored = await target.read(keys);
  const changes: ReverseChange[] = [];
  for (const key of keys) {
    const record = stored.get(recordPk(key));
    const isSound = record?.intact === true && record.category === category && record.state !== 'quarantined';
    const change = isSound ? changeOrNull(() => reverseChange(definition, record)) : null;
    if (change !== null) changes.push(change);
  }
  const outcomes = await source.applyReverse(category, changes, 'repair');
  const written = outcomes.filter((outcome) => outcome === 'applied').length;
  const keptNewer = outcomes.filter((outcome) => outcome === 'already-newer').length;
  return { written, keptNewer, refused: keys.length - written - keptNewer };
}

function changeOrNull(make: () => ReverseChange): ReverseChange | null {
  try {
    return make();
  } catch (fault) {
    if (fault instanceof HalError && fault.name === 'RecordDamaged') return null;
    throw fault;
  }
}
