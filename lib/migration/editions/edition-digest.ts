import { canonicalJson } from '../../kernel/canonical-json.ts';
import { sha256Hex } from '../../kernel/sha256.ts';
import type { Edition, EditionRecord } from './ports.ts';

/** The same for the same records, in whatever order they come. */
export function editionDigest(records: readonly EditionRecord[]): string {
  const lines = records.map(({ pk, body }) => canonicalJson([pk, sha256Hex(body)]));
  return sha256Hex(lines.toSorted().join('\n'));
}

/** False when a record is missing, of another edition, or not what was written. */
export function isWhole(edition: Edition, records: readonly EditionRecord[]): boolean {
  return records.length === edition.count && editionDigest(records) === edition.digest;
}
