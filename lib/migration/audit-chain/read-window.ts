import { parseExactJson } from '../../kernel/canonical-json.ts';
import { sha256Hex } from '../../kernel/sha256.ts';
import { comparableRow } from '../compare-record.ts';
import type { MigrationDefinition } from '../definition.ts';
import { encodeKey, recordPk } from '../key.ts';
import type { FlatSource, TargetStore } from '../ports.ts';
import type { StoredRecord } from '../record.ts';
import type { FlatRow, RecordKey } from '../row.ts';
import { tableOf, type MigratedTable } from '../table-lookup.ts';
import type { ChainEvent } from './chain.ts';
import type { AuditStream } from './ports.ts';

interface ReadWindowDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
}

export interface WindowEvent extends ChainEvent {
  readonly key: RecordKey;
  /** `damaged` is not what was written; `quarantined` has no hierarchical form. */
  readonly state: 'live' | 'damaged' | 'quarantined';
}

/** A stretch of one stream as both sides have it. */
export interface AuditWindow {
  readonly flat: readonly WindowEvent[];
  readonly hierarchical: readonly WindowEvent[];
  /** Where the next stretch begins; null after the end of both. */
  readonly next: bigint | null;
}

/** Rows of one stretch. */
const windowRows = 250;
/** After each row that has no successor this many numbers are looked up on the target. */
const probed = 100n;
const lowestSequence = -(2n ** 63n);

/** Reads flat first: what it has, the target has by now or will have. */
export async function readWindow(
  deps: ReadWindowDeps,
  stream: AuditStream,
  /** Exclusive; null for the beginning. */
  after: bigint | null,
): Promise<AuditWindow> {
  const table = tableOf(deps.definition, stream.recordType);
  const range = { after: [stream.stream, after ?? lowestSequence], upTo: null };
  const page = await deps.source.readRange(stream.recordType, range, windowRows);
  const images = page.images.filter(({ keyParts }) => keyParts[0] === stream.stream);
  const isLast = page.nextAfter === null || images.length < page.images.length;
  const flat = images.flatMap(({ key, keyParts, row }) =>
    row === null ? [] : [flatEvent(key, keyParts[1], row)],
  );
  const numbers = numbersToLookUp(
    flat.map(({ sequence }) => sequence),
    after,
    isLast,
  );
  const keys = numbers.map((sequence) => keyOf(stream, sequence));
  const stored = await deps.target.read(keys);
  const hierarchical = numbers.flatMap((sequence, at) => {
    const record = stored.get(recordPk(keys[at] ?? keyOf(stream, sequence)));
    return record === undefined || record.state === 'tombstone' ? [] : [storedEvent(record, table, sequence)];
  });
  return { flat, hierarchical, next: nextOf(flat, hierarchical, numbers, isLast) };
}

/** An event by what the row says, whatever form the record of it has. */
function eventHash(key: RecordKey, row: FlatRow): string {
  const pk = recordPk(key);
  return sha256Hex(`${pk.length} ${pk} ${comparableRow(row)}`);
}

function flatEvent(key: RecordKey, sequence: unknown, row: FlatRow): WindowEvent {
  return { key, sequence: sequence as bigint, hash: eventHash(key, row), state: 'live' };
}

function storedEvent(record: StoredRecord, table: MigratedTable, sequence: bigint): WindowEvent {
  const { key, body } = record;
  const none = { key, sequence, hash: sha256Hex(`no event ${recordPk(key)}`) };
  if (record.intact && record.state === 'quarantined') return { ...none, state: 'quarantined' };
  if (!record.intact || body === null || record.category !== table.category) {
    return { ...none, state: 'damaged' };
  }
  try {
    const row = table.transform.restore(parseExactJson(body));
    return { key, sequence, hash: eventHash(key, row), state: 'live' };
  } catch {
    // What cannot be restored is damage, and to be reported as such.
    return { ...none, state: 'damaged' };
  }
}

/** Those that flat has, and some after each that has no successor: what only the target has shows there. */
function numbersToLookUp(
  present: readonly bigint[],
  after: bigint | null,
  isLast: boolean,
): readonly bigint[] {
  const numbers: bigint[] = [];
  let last = after;
  for (const sequence of present) {
    // Whether there is anything before the first of flat shows just before it.
    addUpTo(numbers, last ?? sequence - 1n - probed, sequence - 1n);
    numbers.push(sequence);
    last = sequence;
  }
  if (isLast) addUpTo(numbers, last ?? 0n, (last ?? 0n) + probed);
  return numbers;
}

function addUpTo(numbers: bigint[], after: bigint, upTo: bigint): void {
  for (let sequence = after + 1n; sequence <= upTo && sequence <= after + probed; sequence += 1n) {
    numbers.push(sequence);
  }
}

function nextOf(
  flat: readonly WindowEvent[],
  hierarchical: readonly WindowEvent[],
  numbers: readonly bigint[],
  isLast: boolean,
): bigint | null {
  if (!isLast) return flat.at(-1)?.sequence ?? null;
  const last = hierarchical.at(-1)?.sequence;
  // The target goes on to where nobody looked yet.
  return last !== undefined && last === numbers.at(-1) ? last : null;
}

function keyOf({ recordType, stream }: AuditStream, sequence: bigint): RecordKey {
  return { recordType, id: encodeKey([stream, sequence]) };
}
