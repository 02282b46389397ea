import type { KeyPart } from '../migration/row.ts';

const int64Offset = 2n ** 63n;

/**
 * Text whose UTF-8 byte order is the primary key order of SQLite (integers before texts, texts by bytes), so that a
 * condition of the store can tell whether a cursor moves forward.
 */
export function keyPosition(parts: readonly KeyPart[]): string {
  return parts.map(partPosition).join('');
}

function partPosition(part: KeyPart): string {
  if (typeof part === 'bigint') return `i${(part + int64Offset).toString(16).padStart(16, '0')}`;
  // The end mark sorts before every continuation, an escaped NUL included.
  return `t${part.replaceAll('\u0000', '\u0000\u0002')}\u0000\u0001`;
}
