import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/sha256.ts';

/** A field that is not the same on both sides. Carries types and hashes, never a user's value. */
export interface FieldDifference {
  /** Dotted path; array positions as numbers, `body` or `header.etag` or `status` at the top. */
  readonly path: string;
  readonly kind: 'type' | 'value' | 'missing-in-candidate' | 'missing-in-control' | 'length';
  readonly control: RedactedValue;
  readonly candidate: RedactedValue;
}

interface RedactedValue {
  readonly type: 'absent' | 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';
  /** First 16 hex digits of the sha256 of the canonical value; empty when absent. */
  readonly hash: string;
}

/** More than this many differences in one answer say no more than that it is another answer. */
const mostDifferences = 50;

/** Typed, field by field: 1 and "1" differ, null and absent differ, 1.0 and 1 do not. */
export function diffJson(path: string, control: unknown, candidate: unknown): FieldDifference[] {
  const differences: FieldDifference[] = [];
  collect(path, control, candidate, differences);
  return differences;
}

function collect(path: string, control: unknown, candidate: unknown, found: FieldDifference[]): void {
  if (found.length >= mostDifferences || Object.is(control, candidate)) return;
  const type = typeOf(control);
  if (type !== typeOf(candidate)) {
    found.push(difference(path, kindOf(control, candidate), control, candidate));
  } else if (type === 'array') {
    collectElements(path, control as unknown[], candidate as unknown[], found);
  } else if (type === 'object') {
    collectMembers(path, control as object, candidate as object, found);
  } else if (control !== candidate) {
    found.push(difference(path, 'value', control, candidate));
  }
}

function collectElements(
  path: string,
  control: readonly unknown[],
  candidate: readonly unknown[],
  found: FieldDifference[],
): void {
  if (control.length !== candidate.length) found.push(difference(path, 'length', control, candidate));
  const shared = Math.min(control.length, candidate.length);
  for (let index = 0; index < shared; index++) {
    collect(`${path}.${index}`, control[index], candidate[index], found);
  }
}

function collectMembers(path: string, control: object, candidate: object, found: FieldDifference[]): void {
  const names = new Set([...Object.keys(control), ...Object.keys(candidate)]);
  for (const name of [...names].toSorted()) {
    collect(`${path}.${name}`, memberOf(control, name), memberOf(candidate, name), found);
  }
}

/** Own members only: an answer without `constructor` has none, whatever its prototype has. */
function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function kindOf(control: unknown, candidate: unknown): FieldDifference['kind'] {
  if (candidate === undefined) return 'missing-in-candidate';
  return control === undefined ? 'missing-in-control' : 'type';
}

export function difference(
  path: string,
  kind: FieldDifference['kind'],
  control: unknown,
  candidate: unknown,
): FieldDifference {
  return { path, kind, control: redact(control), candidate: redact(candidate) };
}

function redact(value: unknown): RedactedValue {
  return { type: typeOf(value), hash: value === undefined ? '' : sha256Hex(textOf(value)).slice(0, 16) };
}

/** What has no canonical form (-0, a lone surrogate) still gets a hash of its own. */
function textOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch {
    return `~${Object.is(value, -0) ? '-0' : JSON.stringify(value)}`;
  }
}

function typeOf(value: unknown): RedactedValue['type'] {
  if (value === undefined) return 'absent';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint') return 'number';
  return typeof value as 'boolean' | 'number' | 'string' | 'object';
}
