import type { KeyPart, RecordKey } from './row.ts';

/**
 * Primary key columns as one text, invertible and total. Parts are joined by `|`; an integer is `#` and its digits;
 * in a text `%`, `|`, a leading `#` and lone surrogates (which UTF-8 cannot carry) are percent-escaped.
 */
export function encodeKey(parts: readonly KeyPart[]): string {
  if (parts.length === 0) throw new TypeError('a key has at least one part');
  return parts.map(encodePart).join('|');
}

/** Inverse of `encodeKey`. */
export function decodeKey(id: string): readonly KeyPart[] {
  return id.split('|').map(decodePart);
}

/** Partition key of the record on the target, and its identity wherever a text is needed. */
export function recordPk(key: RecordKey): string {
  return `${key.recordType}/${key.id}`;
}

/**
 * Longest key of a record in UTF-8 bytes: it is a sort key of quarantine and reverse-pending entries, which DynamoDB
 * limits to 1,024 bytes.
 */
export const maxPkBytes = 1000;

/** Longest primary key of a flat row in bytes, `%` and `|` counted three times: what surely stays below `maxPkBytes`. */
export const maxRowKeyBytes = 900;

export function fitsStores(key: RecordKey): boolean {
  return Buffer.byteLength(recordPk(key)) <= maxPkBytes;
}

/** Inverse of `recordPk`; record types hold no slash. */
export function keyOfPk(pk: string): RecordKey {
  const slash = pk.indexOf('/');
  if (slash < 1) throw new TypeError(`not a record key: ${pk}`);
  return { recordType: pk.slice(0, slash), id: pk.slice(slash + 1) };
}

function encodePart(part: KeyPart): string {
  if (typeof part === 'bigint') return `#${part.toString()}`;
  let text = part.replaceAll('%', '%25').replaceAll('|', '%7C');
  if (text.startsWith('#')) text = `%23${text.slice(1)}`;
  return text.isWellFormed() ? text : text.replaceAll(loneSurrogate, escapeSurrogate);
}

function decodePart(text: string): KeyPart {
  if (text.startsWith('#')) return BigInt(text.slice(1));
  return text.replaceAll(escaped, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code.startsWith('u') ? code.slice(1) : code, 16)),
  );
}

const escaped = /%(25|7C|23|u[0-9A-F]{4})/g;
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

function escapeSurrogate(unit: string): string {
  return `%u${unit.charCodeAt(0).toString(16).toUpperCase()}`;
}
