import type { AttributeValue } from '@aws-sdk/client-dynamodb';

import type { Item } from '../aws/attributes.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { encodeKey } from '../migration/key.ts';
import type { ColumnDefinition } from '../migration/definition.ts';
import type { FlatRow, FlatValue, KeyPart, RecordKey } from '../migration/row.ts';
import type { TableLayout } from './table-layout.ts';
import { attributeOfText, isTypedText, textOfAttribute } from './typed-text.ts';

/** What DynamoDB calls a key of the row. */
export function itemKey(layout: TableLayout, keyParts: readonly KeyPart[]): Item {
  return Object.fromEntries(
    layout.key.map(({ name }, at) => {
      const part = keyParts[at] ?? '';
      return [name, typeof part === 'bigint' ? { N: part.toString() } : { S: part }];
    }),
  );
}

/** Throws HalError `SourceRejected` for a number with a fraction, which is no part of a key. */
export function keyPartsOf(layout: TableLayout, item: Item): readonly KeyPart[] {
  return layout.key.map(({ name }) => {
    const { S, N } = item[name] ?? {};
    if (S !== undefined) return S;
    const whole = N === undefined ? null : wholeNumber(N);
    if (whole !== null) return whole;
    throw sourceRejected(layout.name, [`the key attribute ${name} has the value ${N ?? '?'}, no integer`]);
  });
}

export function keyOfParts(layout: TableLayout, keyParts: readonly KeyPart[]): RecordKey {
  return { recordType: layout.table.recordType, id: encodeKey(keyParts) };
}

/**
 * An item as a row. Numbers without fraction are integers, unless the column is a real. What no row can hold as it is
 * (booleans, maps, lists, sets, numbers that no double has) is the JSON text of the attribute, which `itemOfRow` takes
 * back. A NULL attribute is one that is absent.
 */
export function rowOfItem(layout: TableLayout, item: Item): FlatRow {
  const row: Record<string, FlatValue> = {};
  const { columns } = layout.table;
  for (const { name, mayBeAbsent } of columns) if (mayBeAbsent !== true) row[name] = null;
  for (const [name, attribute] of Object.entries(item)) {
    if (name === '__proto__' || name.startsWith('derived.'))
      throw sourceRejected(layout.name, [`an item has the attribute ${name}, whose name is reserved`]);
    row[name] = valueOf(
      attribute,
      columns.find((column) => column.name === name),
    );
  }
  return row;
}

/** Inverse of `rowOfItem`; derived values are left out. */
export function itemOfRow(row: FlatRow): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(row)) {
    if (value === null || name.startsWith('derived.')) continue;
    item[name] = attributeOf(value);
  }
  return item;
}

function valueOf(attribute: AttributeValue, column: ColumnDefinition | undefined): FlatValue {
  if (attribute.NULL === true) return null;
  if (attribute.S !== undefined) return isTypedText(attribute.S) ? textOfAttribute(attribute) : attribute.S;
  if (attribute.B !== undefined) return attribute.B;
  if (attribute.N === undefined) return textOfAttribute(attribute);
  const whole = column?.storage === 'real' ? null : wholeNumber(attribute.N);
  if (whole !== null) return whole;
  const real = Number(attribute.N);
  return sameDecimal(attribute.N, real) ? real : textOfAttribute(attribute);
}

function attributeOf(value: Exclude<FlatValue, null>): AttributeValue {
  if (typeof value === 'bigint') return { N: value.toString() };
  if (typeof value === 'number') return { N: String(value) };
  if (value instanceof Uint8Array) return { B: value };
  return attributeOfText(value) ?? { S: value };
}

/** DynamoDB writes whole numbers without exponent; others are not whole for us. */
function wholeNumber(digits: string): bigint | null {
  return /^-?\d+$/.test(digits) ? BigInt(digits) : null;
}

/** Whether a double says the same decimal again. */
function sameDecimal(digits: string, real: number): boolean {
  return Number.isFinite(real) && decimalOf(digits) === decimalOf(String(real));
}

/** Sign, digits without zeros at both ends, and exponent. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}
