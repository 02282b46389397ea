import type { Category } from '../migration/category.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import type { RecordVersion } from '../migration/record.ts';
import type { Cells, Session } from './connection.ts';
import { lockKeys, qualified } from './names.ts';
import { keyColumnNames } from './own-names.ts';

export interface LogEntry {
  readonly sequence: number;
  readonly recordType: string;
  /** As texts, padded to the columns of the log. */
  readonly keyTexts: readonly string[];
}

export const firstAuthority: FlatAuthority = { epoch: 1, state: 'open' };

/** Entries of one category in (after, through], in log order. */
export async function readLog(
  session: Session,
  schema: string,
  category: Category,
  slice: { readonly after: number; readonly through: number; readonly limit: number },
): Promise<readonly LogEntry[]> {
  const found = await session.all(
    `SELECT seq, record_type, ${keyColumnNames.join(', ')} FROM ${qualified(schema, '_mig_log')}
     WHERE category = $1 AND seq > $2::int8 AND seq <= $3::int8 ORDER BY seq LIMIT $4::int8`,
    [category, String(slice.after), String(slice.through), String(slice.limit)],
  );
  return found.map(([sequence, recordType, ...keys]) => ({
    sequence: Number(sequence),
    recordType: recordType ?? '',
    keyTexts: keys.map(String),
  }));
}

export interface Horizon {
  /** The last sequence that was given to anyone. */
  readonly given: number;
  /** Every change of the category up to here has ended, and is in each snapshot that is taken after this answer. */
  readonly settled: number;
}

export async function readHorizon(session: Session, schema: string, category: Category): Promise<Horizon> {
  const found = await session.first(
    `SELECT h[1], h[2] FROM ${qualified(schema, '_mig_horizon')}(${lockKeys(schema, category).writing}) AS h`,
  );
  return { given: Number(found?.[0] ?? 0), settled: Number(found?.[1] ?? 0) };
}

/** Sequence of the newest entry of one category; 0 before the first. */
export async function lastSequenceOf(session: Session, schema: string, category: Category): Promise<number> {
  const found = await session.first(
    `SELECT max(seq) FROM ${qualified(schema, '_mig_log')} WHERE category = $1`,
    [category],
  );
  return Number(found?.[0] ?? 0);
}

/** Up to where deletions of one category may be unlogged; null when nothing is known to be missing. */
export async function readGap(session: Session, schema: string, category: Category): Promise<number | null> {
  const found = await session.first(`SELECT seq FROM ${qualified(schema, '_mig_gap')} WHERE category = $1`, [
    category,
  ]);
  return found === undefined ? null : Number(found[0]);
}

export async function closeGap(
  session: Session,
  schema: string,
  category: Category,
  sequence: number,
): Promise<void> {
  await session.run(`DELETE FROM ${qualified(schema, '_mig_gap')} WHERE category = $1 AND seq <= $2::int8`, [
    category,
    String(sequence),
  ]);
}

/** Version of the last reverse change of a key. */
export async function appliedVersion(
  session: Session,
  schema: string,
  recordType: string,
  keyTexts: readonly string[],
): Promise<RecordVersion | null> {
  const isKey = keyColumnNames.map((name, at) => `${name} = $${at + 2}`).join(' AND ');
  const found = await session.first(
    `SELECT epoch, sequence FROM ${qualified(schema, '_mig_version')} WHERE record_type = $1 AND ${isKey}`,
    [recordType, ...keyTexts],
  );
  return found === undefined ? null : { epoch: Number(found[0]), sequence: Number(found[1]) };
}

/** Who may write a category; every category is open at epoch 1 until it is said otherwise. */
export async function readAuthority(
  session: Session,
  schema: string,
  category: Category,
): Promise<FlatAuthority> {
  const found = await session.first(
    `SELECT epoch, state FROM ${qualified(schema, '_mig_authority')} WHERE category = $1`,
    [category],
  );
  return found === undefined ? firstAuthority : authorityOf(found);
}

/** From one authority to the next; true as well when it was already made. */
export async function moveAuthority(
  session: Session,
  schema: string,
  category: Category,
  { from, to }: { readonly from: FlatAuthority; readonly to: FlatAuthority },
): Promise<boolean> {
  const present = await readAuthority(session, schema, category);
  if (isSame(present, to)) return true;
  if (!isSame(present, from)) return false;
  await session.run(
    `UPDATE ${qualified(schema, '_mig_authority')} SET epoch = $1::int8, state = $2 WHERE category = $3`,
    [String(to.epoch), to.state, category],
  );
  return true;
}

/** Waits for the writers of a category, and keeps new ones out until the transaction ends. */
export async function excludeWriters(session: Session, schema: string, category: Category): Promise<void> {
  await session.all(`SELECT pg_advisory_xact_lock(${lockKeys(schema, category).authority}, 0)`);
}

function authorityOf([epoch, state]: Cells): FlatAuthority {
  return { epoch: Number(epoch), state: state as FlatAuthority['state'] };
}

function isSame(left: FlatAuthority, right: FlatAuthority): boolean {
  return left.epoch === right.epoch && left.state === right.state;
}
