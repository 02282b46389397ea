import type { KeyPart } from '../migration/row.ts';

/** Primary key order as SQLite has it: integers before texts, texts by their UTF-8 bytes. */
export function compareKeyParts(left: readonly KeyPart[], right: readonly KeyPart[]): number {
  for (const [at, part] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const order = comparePart(part, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function comparePart(left: KeyPart, right: KeyPart): number {
  if (left === right) return 0;
  if (typeof left === 'string') {
    return typeof right === 'string' ? Buffer.compare(Buffer.from(left), Buffer.from(right)) : 1;
  }
  if (typeof right === 'string') return -1;
  return left < right ? -1 : 1;
}
