import { canonicalJson, parseExactJson } from '../../kernel/canonical-json.ts';
import type { ExportedRecord } from './export-records.ts';

/** One member of a record that differs; `undefined` texts stand for a member that is not there. */
interface ChangedMember {
  readonly path: string;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

export type RecordDifference =
  | { readonly kind: 'only-left'; readonly pk: string }
  | { readonly kind: 'only-right'; readonly pk: string }
  | { readonly kind: 'unreadable'; readonly pk: string; readonly note: string }
  | { readonly kind: 'changed'; readonly pk: string; readonly members: readonly ChangedMember[] };

export interface Comparison {
  /** `unproven`: there was nothing on either side. */
  readonly outcome: 'equal' | 'different' | 'unproven';
  readonly left: number;
  readonly right: number;
  readonly equal: number;
  /** In the order of the keys. */
  readonly differences: readonly RecordDifference[];
}

/** Compares two systems' records by content, member by member. */
export function compareRecords(
  left: readonly ExportedRecord[],
  right: readonly ExportedRecord[],
): Comparison {
  const others = new Map(right.map((record) => [record.pk, record]));
  const differences: RecordDifference[] = [];
  for (const record of left) {
    const other = others.get(record.pk);
    others.delete(record.pk);
    const difference = differenceOf(record, other);
    if (difference !== null) differences.push(difference);
  }
  for (const pk of others.keys()) differences.push({ kind: 'only-right', pk });
  const equal = left.length - differences.filter(({ kind }) => kind !== 'only-right').length;
  const isEmpty = left.length + right.length === 0;
  return {
    outcome: isEmpty ? 'unproven' : differences.length === 0 ? 'equal' : 'different',
    left: left.length,
    right: right.length,
    equal,
    differences: differences.toSorted((one, other) => (one.pk < other.pk ? -1 : 1)),
  };
}

function differenceOf(record: ExportedRecord, other: ExportedRecord | undefined): RecordDifference | null {
  const { pk } = record;
  if (other === undefined) return { kind: 'only-left', pk };
  if (record.body === null || other.body === null) {
    return { kind: 'unreadable', pk, note: record.note ?? other.note ?? 'it has no hierarchical form' };
  }
  if (record.body === other.body) return null;
  return { kind: 'changed', pk, members: changedMembers(record.body, other.body) };
}

function changedMembers(left: string, right: string): readonly ChangedMember[] {
  const [before, after] = [membersOf(left), membersOf(right)];
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths]
    .map((path) => ({ path, left: before.get(path), right: after.get(path) }))
    .filter((member) => member.left !== member.right)
    .toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** Leaves of a body with their paths; an array or an empty object is a leaf. */
function membersOf(body: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject || Object.keys(value).length === 0) {
      members.set(path, canonicalJson(value));
      return;
    }
    for (const [name, member] of Object.entries(value)) walk(member, path === '' ? name : `${path}.${name}`);
  };
  walk(parseExactJson(body), '');
  return members;
}
