import { ApiFault } from '../api-fault.ts';
import type { ApiReply, RestCall, RestRoute } from '../api-service.ts';
import { jsonReply } from '../api-service.ts';
import type { WireObject } from '../ports.ts';
import { readInput } from '../wire-input.ts';
import type { KeyValueRegistry, KeyValueStore } from './key-value-store.ts';
import { etagOf, sizeOf, storeArn } from './key-value-store.ts';

const storePath = '/key-value-stores/{store}';
const keyPath = `${storePath}/keys/{key}`;

export function keyValueRoutes(registry: KeyValueRegistry): readonly RestRoute[] {
  const storeIn = (call: RestCall): KeyValueStore => registry.named(call.label('store'));

  return [
    {
      method: 'GET',
      pattern: storePath,
      handle(call) {
        const store = storeIn(call);
        const described = {
          ...totals(store),
          KvsARN: storeArn(store),
          Created: store.createdAtMs / 1000,
          LastModified: store.modifiedAtMs / 1000,
          Status: 'READY',
        };
        return jsonReply(described, 200, { etag: etagOf(store) });
      },
    },
    { method: 'GET', pattern: `${storePath}/keys`, handle: (call) => listKeys(storeIn(call), call) },
    {
      method: 'POST',
      pattern: `${storePath}/keys`,
      handle(call) {
        const input = readInput(call.input());
        const puts = input
          .objects('Puts')
          .map((put) => ({ key: readInput(put).text('Key'), value: valueIn(put) }));
        const deletes = input.objects('Deletes').map((entry) => readInput(entry).text('Key'));
        return changed(registry, storeIn(call), { puts, deletes, etag: etagIn(call) });
      },
    },
    {
      method: 'GET',
      pattern: keyPath,
      handle(call) {
        const store = storeIn(call);
        const key = call.label('key');
        const value = Object.hasOwn(store.items, key) ? store.items[key] : undefined;
        if (value === undefined) {
          throw new ApiFault('ResourceNotFoundException', 404, `key ${key} is not in the store`);
        }
        return jsonReply({ Key: key, Value: value, ...totals(store) });
      },
    },
    {
      method: 'PUT',
      pattern: keyPath,
      handle: (call) =>
        changed(registry, storeIn(call), {
          puts: [{ key: call.label('key'), value: valueIn(call.input()) }],
          deletes: [],
          etag: etagIn(call),
        }),
    },
    {
      method: 'DELETE',
      pattern: keyPath,
      handle: (call) =>
        changed(registry, storeIn(call), { puts: [], deletes: [call.label('key')], etag: etagIn(call) }),
    },
  ];
}

function etagIn(call: RestCall): string | undefined {
  return call.request.headers['if-match'];
}

function totals(store: KeyValueStore): WireObject {
  return { ItemCount: Object.keys(store.items).length, TotalSizeInBytes: sizeOf(store.items) };
}

function changed(
  registry: KeyValueRegistry,
  store: KeyValueStore,
  change: Parameters<KeyValueRegistry['change']>[1],
): ApiReply {
  registry.change(store, change);
  return jsonReply(totals(store), 200, { etag: etagOf(store) });
}

/** An empty value is a value. */
function valueIn(input: WireObject): string {
  const value = readInput(input).optionalText('Value');
  if (value === undefined) {
    throw new ApiFault('ValidationException', 400, 'Value is missing');
  }
  return value;
}

function listKeys(store: KeyValueStore, call: RestCall): ApiReply {
  const { query } = call.request;
  const after = query.get('NextToken') ?? '';
  const size = Number(query.get('MaxResults') ?? 10);
  const keys = Object.keys(store.items)
    .filter((key) => key > after)
    .toSorted();
  const page = keys.slice(0, size);
  const last = page.at(-1);
  return jsonReply({
    Items: page.map((key) => ({ Key: key, Value: store.items[key] })),
    ...(keys.length > size && last !== undefined && { NextToken: last }),
  });
}
