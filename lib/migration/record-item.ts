import { bucketOf } from './bucket.ts';
import type { Category } from './category.ts';
import { keyOfPk, recordPk } from './key.ts';
import { isIntact, recordSk } from './record-hash.ts';
import type { RecordOrigin, RecordState, StoredRecord, TargetRecord } from './record.ts';

/** Attributes of one item of the state table; `e` and `v` are the version, `h` the hash, `b` the bucket. */
export interface RecordItem {
  readonly pk: string;
  readonly sk: string;
  readonly category: string;
  readonly e: number;
  readonly v: number;
  readonly state: string;
  readonly origin: string;
  readonly h: string;
  readonly b: number;
  /** Absent unless the state is live. */
  readonly body?: string;
  /** Epoch seconds; the table's TTL attribute. */
  readonly ttl?: number;
}

export function recordToItem(record: TargetRecord): RecordItem {
  return {
    pk: recordPk(record.key),
    sk: recordSk,
    category: record.category,
    e: record.version.epoch,
    v: record.version.sequence,
    state: record.state,
    origin: record.origin,
    h: record.hash,
    b: bucketOf(record.key),
    ...(record.body === null ? {} : { body: record.body }),
    ...(record.expiresAtS === undefined ? {} : { ttl: record.expiresAtS }),
  };
}

/** A damaged item is returned with `intact: false`, never thrown away: verification has to see it. */
export function itemToRecord(item: Readonly<Record<string, unknown>>): StoredRecord {
  const record: TargetRecord = {
    key: keyOfPk(String(item['pk'])),
    category: item['category'] as Category,
    version: { epoch: Number(item['e']), sequence: Number(item['v']) },
    state: item['state'] as RecordState,
    origin: item['origin'] as RecordOrigin,
    body: typeof item['body'] === 'string' ? item['body'] : null,
    hash: String(item['h']),
    ...(item['ttl'] === undefined ? {} : { expiresAtS: Number(item['ttl']) }),
  };
  return { ...record, intact: isIntact(record) };
}
