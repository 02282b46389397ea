import { createHash } from 'node:crypto';

import { ApiFault } from '../api-fault.ts';
import { globalArnOf, nameInArn } from '../arns.ts';
import type { KeyValueEngine } from '../ports.ts';

export interface KeyValueStore {
  readonly id: string;
  readonly name: string;
  readonly items: Record<string, string>;
  /** Counts changes; the ETag is made of it. */
  revision: number;
  readonly createdAtMs: number;
  modifiedAtMs: number;
}

interface KeyValueChange {
  readonly puts: readonly { readonly key: string; readonly value: string }[];
  readonly deletes: readonly string[];
  /** The caller's If-Match. */
  readonly etag: string | undefined;
}

export interface KeyValueRegistry extends KeyValueEngine {
  /** Throws ResourceNotFoundException. */
  named(nameOrArn: string): KeyValueStore;
  /** All or nothing; throws ConflictException for a stale ETag and ValidationException for what is over the limits. */
  change(store: KeyValueStore, change: KeyValueChange): void;
}

const largestValue = 1024;
const longestKey = 512;
const largestStore = 5 * 1024 * 1024;

export function makeKeyValueRegistry(deps: {
  readonly stores: KeyValueStore[];
  readonly onMutation: () => void;
}): KeyValueRegistry {
  const listeners: ((arn: string) => void)[] = [];
  const find = (nameOrArn: string): KeyValueStore | undefined => {
    const wanted = nameInArn(nameOrArn);
    return deps.stores.find((store) => store.id === wanted || store.name === wanted);
  };

  return {
    ensureStore(name, items = {}) {
      let store = find(name);
      if (store === undefined) {
        const nowMs = Date.now();
        store = {
          id: idOf(name),
          name,
          items: { ...items },
          revision: 1,
          createdAtMs: nowMs,
          modifiedAtMs: nowMs,
        };
        deps.stores.push(store);
        deps.onMutation();
      }
      return storeArn(store);
    },
    get(nameOrArn, key) {
      const items = find(nameOrArn)?.items ?? {};
      return Object.hasOwn(items, key) ? items[key] : undefined;
    },
    onChange: (listener) => void listeners.push(listener),
    named(nameOrArn) {
      const store = find(nameOrArn);
      if (store === undefined) {
        throw new ApiFault('ResourceNotFoundException', 404, `there is no key value store ${nameOrArn}`);
      }
      return store;
    },
    change(store, change) {
      refuseStale(store, change.etag);
      const next = nextItems(store, change);
      for (const key of change.deletes) {
        delete store.items[key];
      }
      Object.assign(store.items, next);
      store.revision += 1;
      store.modifiedAtMs = Date.now();
      deps.onMutation();
      for (const listener of listeners) {
        listener(storeArn(store));
      }
    },
  };
}

export function storeArn(store: KeyValueStore): string {
  return globalArnOf('cloudfront', `key-value-store/${store.id}`);
}

export function etagOf(store: KeyValueStore): string {
  return `KV${String(store.revision).padStart(12, '0')}`;
}

export function sizeOf(items: Readonly<Record<string, string>>): number {
  return Object.entries(items).reduce(
    (total, [key, value]) => total + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

/** An id in the form of a UUID that stays the same when the cloud is built again. */
function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

function refuseStale(store: KeyValueStore, etag: string | undefined): void {
  if (etag === undefined || etag === '') {
    throw new ApiFault('ValidationException', 400, 'If-Match is missing');
  }
  if (etag !== etagOf(store)) {
    throw new ApiFault(
      'ConflictException',
      409,
      `the store has changed: its ETag is ${etagOf(store)}, not ${etag}`,
    );
  }
}

function nextItems(store: KeyValueStore, change: KeyValueChange): Readonly<Record<string, string>> {
  const next: Record<string, string> = { ...store.items };
  for (const key of change.deletes) {
    delete next[key];
  }
  for (const { key, value } of change.puts) {
    refuseOverLimits(key, value);
    next[key] = value;
  }
  if (sizeOf(next) > largestStore) {
    throw new ApiFault('ServiceQuotaExceededException', 402, 'a key value store holds at most 5 MB');
  }
  return next;
}

function refuseOverLimits(key: string, value: string): void {
  if (key === '' || key.length > longestKey) {
    throw new ApiFault('ValidationException', 400, `a key has 1 to ${longestKey} characters`);
  }
  if (Buffer.byteLength(value) > largestValue) {
    throw new ApiFault('ValidationException', 400, `the value of ${key} is over ${largestValue} bytes`);
  }
}
