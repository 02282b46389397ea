import type { AttributeValue } from '@aws-sdk/client-dynamodb';

import { recordPk } from '../migration/key.ts';
import { recordSk } from '../migration/record-hash.ts';
import { itemToRecord, recordToItem } from '../migration/record-item.ts';
import type { StoredRecord, TargetRecord } from '../migration/record.ts';
import type { RecordKey } from '../migration/row.ts';
import { number, text, type Item } from './attributes.ts';
import type { ItemKey } from './read-items.ts';

export function stateKey(key: RecordKey): ItemKey {
  return { pk: recordPk(key), sk: recordSk };
}

/** A record as the raw client takes it. */
export function marshalRecord(record: TargetRecord): Item {
  const entries = Object.entries(recordToItem(record)) as [string, string | number][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'number' ? number(value) : text(value)]),
  );
}

/** A stored item, damaged ones included: what is no text or number never matches the hash. */
export function unmarshalRecord(item: Item): StoredRecord {
  return itemToRecord({
    pk: plainValue(item['pk']),
    category: plainValue(item['category']),
    e: plainValue(item['e']),
    v: plainValue(item['v']),
    state: plainValue(item['state']),
    origin: plainValue(item['origin']),
    h: plainValue(item['h']),
    body: plainValue(item['body']),
    ttl: plainValue(item['ttl']),
  });
}

/** There is one item per record; another one beside it is nobody's, and must not pass for the record. */
export function scannedRecord(item: Item): StoredRecord {
  const record = unmarshalRecord(item);
  const sk = item['sk']?.S ?? '';
  if (sk === recordSk) return record;
  return { ...record, key: { ...record.key, recordType: `${record.key.recordType} ${sk}` }, intact: false };
}

function plainValue(value: AttributeValue | undefined): unknown {
  if (value === undefined) return undefined;
  if (value.S !== undefined) return value.S;
  return value.N === undefined ? undefined : Number(value.N);
}
