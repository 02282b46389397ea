import { mapBounded } from '../kernel/map-bounded.ts';
import { maxItemBodyBytes, type LargeBodies } from '../migration/large-bodies.ts';
import type { TargetRecord } from '../migration/record.ts';
import { number, text, type Item } from './attributes.ts';
import { marshalRecord } from './state-item.ts';

/** Name of a body that stands elsewhere, and its length. */
const nameAttribute = 'bodyName';
const lengthName = 'bodyBytes';

/** Of a scan or query: only names of bodies. */
export const namesBody = {
  ProjectionExpression: nameAttribute,
  FilterExpression: `attribute_exists(${nameAttribute})`,
} as const;

/** Bodies on their way at once. */
const atOnce = 4;

/** Bodies of one page that stand elsewhere, together. */
const mostHeldBytes = 16 * 1024 * 1024;

/** The item of a record; a body that is too long for it is put elsewhere first, and named in it. */
export async function recordItem(record: TargetRecord, bodies: LargeBodies | undefined): Promise<Item> {
  const { body } = record;
  if (bodies === undefined || body === null) return marshalRecord(record);
  const bytes = Buffer.byteLength(body);
  if (bytes <= maxItemBodyBytes) return marshalRecord(record);
  const { body: _body, ...item } = marshalRecord(record);
  return { ...item, [nameAttribute]: text(await bodies.put(body)), [lengthName]: number(bytes) };
}

/** Items of several records, in their order. */
export function recordItems(
  records: readonly TargetRecord[],
  bodies: LargeBodies | undefined,
): Promise<Item[]> {
  return mapBounded(records, atOnce, (record) => recordItem(record, bodies));
}

/** The items with their bodies in them, from wherever these are. A body that cannot be read stays away. */
export function wholeItems(items: readonly Item[], bodies: LargeBodies | undefined): Promise<Item[]> {
  return mapBounded(items, atOnce, (item) => wholeItem(item, bodies));
}

async function wholeItem(item: Item, bodies: LargeBodies | undefined): Promise<Item> {
  const name = bodyNameIn(item);
  if (name === undefined || item['body'] !== undefined) return item;
  const body = await bodies?.get(name);
  return body === undefined || body === null ? item : { ...item, body: text(body) };
}

/** Name of the body of an item where it stands elsewhere. */
export function bodyNameIn(item: Item): string | undefined {
  return item[nameAttribute]?.S;
}

/** The first of the items, as many as may be held with their bodies at once; one at least. */
export function heldAtOnce(items: readonly Item[]): readonly Item[] {
  let bytes = 0;
  const end = items.findIndex((item, at) => {
    bytes += Number(item[lengthName]?.N ?? 0);
    return at > 0 && bytes > mostHeldBytes;
  });
  return end < 0 ? items : items.slice(0, end);
}
