import type { AttributeValue } from '@aws-sdk/client-dynamodb';

import { HalError } from '../kernel/errors.ts';

/** A DynamoDB item as the raw client carries it. */
export type Item = Record<string, AttributeValue>;

export const text = (value: string): AttributeValue => ({ S: value });
export const number = (value: number): AttributeValue => ({ N: String(value) });
export const flag = (value: boolean): AttributeValue => ({ BOOL: value });

/** Names and values as DynamoDB measures an item; numbers at their longest. */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) {
    bytes += name.length + (value.S === undefined ? longestNumberBytes : Buffer.byteLength(value.S));
  }
  return bytes;
}

const longestNumberBytes = 21;

/** Text attribute of an item that only we write; throws `StoredItemInvalid` when it is not there. */
export function textOf(item: Item, name: string): string {
  const value = item[name]?.S;
  if (value === undefined) throw storedItemInvalid(item, name, 'text');
  return value;
}

/** Safe integer attribute of an item that only we write; throws `StoredItemInvalid`. */
export function numberOf(item: Item, name: string): number {
  const value = Number(item[name]?.N ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw storedItemInvalid(item, name, 'an integer');
  return value;
}

export function flagOf(item: Item, name: string): boolean {
  const value = item[name]?.BOOL;
  if (value === undefined) throw storedItemInvalid(item, name, 'a flag');
  return value;
}

function storedItemInvalid(item: Item, name: string, expected: string): HalError {
  const pk = item['pk']?.S ?? '?';
  const sk = item['sk']?.S ?? '?';
  return new HalError({
    name: 'StoredItemInvalid',
    message: `The stored item ${pk} ${sk} has no attribute "${name}" that is ${expected}.`,
    remedy: 'Somebody else wrote into this table; restore the item from point-in-time recovery or remove it.',
    facts: { pk, sk, attribute: name, expected },
  });
}
