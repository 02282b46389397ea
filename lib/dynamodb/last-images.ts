import { number, numberOf, text, textOf, type Item } from '../aws/attributes.ts';
import { readItems } from '../aws/read-items.ts';
import { recordPk } from '../migration/key.ts';
import type { RecordVersion } from '../migration/record.ts';
import { decodeRow, encodeRow } from '../migration/row-encoding.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import type { FlatStore } from './flat-store.ts';
import { itemAt, lastKey } from './log-items.ts';

/** The newest logged or applied content of a key, with its version. */
export interface LastImage {
  readonly version: RecordVersion;
  /** null: it was deleted. */
  readonly row: FlatRow | null;
}

/** Bytes of one item's share of a row: with 400 KB in an item, an image may need two. */
const partBytes = 300_000;

/** The items of one image: one, or a head and its parts, which are named by the version and so never mixed. */
export function lastItems(key: RecordKey, { version, row }: LastImage): readonly Item[] {
  const at = lastKey(key);
  const head = { ...itemAt(at), e: number(version.epoch), v: number(version.sequence) };
  if (row === null) return [head];
  const encoded = Buffer.from(encodeRow(row));
  if (encoded.length <= partBytes) return [{ ...head, row: text(encoded.toString()) }];
  const count = Math.ceil(encoded.length / partBytes);
  const parts = Array.from({ length: count }, (_, part) => ({
    ...itemAt({ pk: at.pk, sk: partName(version, part) }),
    bytes: { B: encoded.subarray(part * partBytes, (part + 1) * partBytes) },
  }));
  return [{ ...head, parts: number(count) }, ...parts];
}

function partName({ epoch, sequence }: RecordVersion, part: number): string {
  return `${epoch}.${sequence}/${part}`;
}

/** Strongly consistent, keyed by `recordType/id`; a key that never changed is left out. */
export async function readLastImages(
  store: FlatStore,
  keys: readonly RecordKey[],
): Promise<ReadonlyMap<string, LastImage>> {
  const deps = { client: store.client, table: store.log, sleeper: store.sleeper };
  const byPk = new Map(keys.map((key) => [lastKey(key).pk, key]));
  const images = new Map<string, LastImage>();
  let open = [...byPk.values()];
  while (open.length > 0) {
    const heads = await readItems(deps, open.map(lastKey));
    open = [];
    for (const head of heads) {
      const key = byPk.get(textOf(head, 'pk'));
      if (key === undefined) continue;
      const version = { epoch: numberOf(head, 'e'), sequence: numberOf(head, 'v') };
      const row = head['parts'] === undefined ? rowIn(head) : await joined(deps, key, version, head);
      // Another version came while its parts were read.
      if (row === undefined) open.push(key);
      else images.set(recordPk(key), { version, row });
    }
  }
  return images;
}

function rowIn(head: Item): FlatRow | null {
  return head['row'] === undefined ? null : decodeRow(textOf(head, 'row'));
}

async function joined(
  deps: Parameters<typeof readItems>[0],
  key: RecordKey,
  version: RecordVersion,
  head: Item,
): Promise<FlatRow | undefined> {
  const { pk } = lastKey(key);
  const names = Array.from({ length: numberOf(head, 'parts') }, (_, part) => partName(version, part));
  const found = await readItems(
    deps,
    names.map((sk) => ({ pk, sk })),
  );
  const bySort = new Map(found.map((item) => [item['sk']?.S, item['bytes']?.B]));
  const parts = names.map((name) => bySort.get(name));
  if (parts.some((part) => part === undefined)) return undefined;
  return decodeRow(Buffer.concat(parts.map((part) => part ?? new Uint8Array())).toString());
}
