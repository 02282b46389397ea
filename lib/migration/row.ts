/**
 * A source row, without loss: INTEGER is a bigint, REAL a number, TEXT a string, BLOB bytes.
 * Nothing is coerced before a transform has seen it.
 */
export type FlatValue = null | string | number | bigint | Uint8Array;

export type FlatRow = Readonly<Record<string, FlatValue>>;

/** One part of a primary key; SQLite and PostgreSQL keys of HAL9 are texts and integers. */
export type KeyPart = string | bigint;

/** Identity of one record in both systems. `id` is the encoded primary key (see `encodeKey`). */
export interface RecordKey {
  /** The singular noun of the table, for example `session`; unique over all categories. */
  readonly recordType: string;
  readonly id: string;
}
