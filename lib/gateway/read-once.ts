import { parseExactJson } from '../kernel/canonical-json.ts';
import { HalError } from '../kernel/errors.ts';
import { groupOf } from '../migration/bucket.ts';
import { fitsStores, recordPk } from '../migration/key.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import type { StoredRecord } from '../migration/record.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import type { Attempt, GatewayDeps, GatewayRead } from './outcome.ts';
import type { SeenSides } from './seen-sides.ts';

/** Between two looks at an authority that is moving. */
export const pollMs = 25;

/**
 * The order is what makes a read current: the flat store says that it follows, then the authority item is read (once
 * for each epoch), then the record. Flat is opened before authority leaves the hierarchical side, so a record read in
 * this order was authoritative at some instant after the read began.
 */
export async function readOnce(
  deps: Pick<GatewayDeps, 'flat' | 'hierarchical' | 'authority'> & { readonly seen: SeenSides },
  table: MigratedTable,
  key: RecordKey,
): Promise<Attempt<GatewayRead>> {
  const flat = await deps.flat.read(table.category, key);
  if (flat.authority.state !== 'following') return found(flat.row, null, 'flat');
  if (!(await isHierarchical(deps, table, key, flat.authority))) return { kind: 'again', delayMs: pollMs };
  const stored = await readStored(deps, key);
  if (stored?.state === 'quarantined') {
    // The row was read before the marker. Authority may have gone to flat and come back since, and a marker of that
    // time stands for a row that is newer than the one in hand.
    if (stored.version.epoch > flat.authority.epoch) return { kind: 'again', delayMs: pollMs };
    // A marker has no body. No hierarchical write has replaced it, so the row that flat holds is still the newest.
    return found(flat.row, stored, 'flat');
  }
  return found(stored === null ? null : restoreRow(stored, table), stored, 'hierarchical');
}

/** A fenced side may be read. */
async function isHierarchical(
  deps: Pick<GatewayDeps, 'authority'> & { readonly seen: SeenSides },
  table: MigratedTable,
  key: RecordKey,
  flat: FlatAuthority,
): Promise<boolean> {
  const group = groupOf(key);
  if (deps.seen.has(table.category, group, flat.epoch)) return true;
  if ((await hierarchicalSide(deps, table, key, flat)) === 'elsewhere') return false;
  deps.seen.add(table.category, group, flat.epoch);
  return true;
}

/** A key that no store has room for was never written; asking for it would be an error of the store. */
export async function readStored(
  deps: Pick<GatewayDeps, 'hierarchical'>,
  key: RecordKey,
): Promise<StoredRecord | null> {
  return fitsStores(key) ? await deps.hierarchical.read(key) : null;
}

/** Whether the item agrees with what the flat store said a moment ago; a fenced side may be read, not written. */
export async function hierarchicalSide(
  deps: Pick<GatewayDeps, 'authority'>,
  table: MigratedTable,
  key: RecordKey,
  flat: FlatAuthority,
): Promise<'open' | 'fenced' | 'elsewhere'> {
  const item = await deps.authority.read(table.category, groupOf(key));
  if (item === null || item.side !== 'hierarchical' || item.epoch !== flat.epoch) return 'elsewhere';
  return item.fenced ? 'fenced' : 'open';
}

/** The flat form of a record; null for a tombstone. Throws `RecordCorrupted` rather than answer with damage. */
function restoreRow(stored: StoredRecord, table: MigratedTable): FlatRow | null {
  if (!stored.intact) throw corrupted(stored);
  if (stored.state !== 'live' || stored.body === null) return null;
  try {
    return table.transform.restore(parseExactJson(stored.body));
  } catch (error) {
    throw corrupted(stored, error);
  }
}

function found(
  row: FlatRow | null,
  stored: StoredRecord | null,
  servedFrom: 'flat' | 'hierarchical',
): Attempt<GatewayRead> {
  return { kind: 'done', outcome: { kind: 'read', row, version: stored?.version ?? null, servedFrom } };
}

function corrupted(stored: StoredRecord, cause?: unknown): HalError {
  const pk = recordPk(stored.key);
  return new HalError({
    name: 'RecordCorrupted',
    message: `record ${pk} does not hold what was written to it`,
    remedy: 'run `hal9-migrate verify` to list damaged records, and repair them before they are used again',
    facts: { pk, version: stored.version },
    ...(cause === undefined ? {} : { cause }),
  });
}
