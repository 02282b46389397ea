import { parseExactJson } from '../kernel/canonical-json.ts';
import { diffJson, difference, type FieldDifference } from './difference.ts';
import { findRule, type IgnoreRule } from './ignore-rules.ts';
import { comparedHeaders, versionOf, type Answer, type Observation } from './observation.ts';

type ComparisonClass = 'match' | 'benign' | 'expected' | 'critical';

export type Comparison =
  | {
      readonly kind: 'compared';
      readonly class: ComparisonClass;
      readonly differences: readonly FieldDifference[];
    }
  | { readonly kind: 'ignored'; readonly reason: 'both failed' | 'version moved' };

/**
 * Compares what both systems answered to the same request. A failure of one side alone is critical; when both
 * fail there is nothing to compare. One field that no rule covers makes the answer critical, and then only such
 * fields are listed.
 */
export function compareObservations(
  control: Observation,
  candidate: Observation,
  rules: readonly IgnoreRule[],
): Comparison {
  if (hasFailed(control) && hasFailed(candidate)) return { kind: 'ignored', reason: 'both failed' };
  if (control.kind === 'failed' || candidate.kind === 'failed') {
    return critical([difference('status', 'value', outcomeOf(control), outcomeOf(candidate))]);
  }
  if (control.status !== candidate.status) {
    return critical([difference('status', 'value', control.status, candidate.status)]);
  }
  const differences = [...diffHeaders(control, candidate), ...diffBodies(control, candidate)];
  const uncovered = differences.filter(({ path }) => findRule(path, rules) === null);
  if (uncovered.length > 0) return critical(uncovered);
  return { kind: 'compared', class: classify(differences, rules), differences };
}

/** True when both answers name a version of the state and the versions are not the same. */
export function versionsDiffer(control: Observation, candidate: Observation): boolean {
  if (control.kind === 'failed' || candidate.kind === 'failed') return false;
  const [left, right] = [versionOf(control), versionOf(candidate)];
  return left !== null && right !== null && left !== right;
}

function hasFailed(observation: Observation): boolean {
  return observation.kind === 'failed' || observation.status >= 500;
}

function outcomeOf(observation: Observation): number | string {
  return observation.kind === 'failed' ? observation.cause : observation.status;
}

function critical(differences: readonly FieldDifference[]): Comparison {
  return { kind: 'compared', class: 'critical', differences };
}

/** Of answers whose every difference is covered by a rule; the strongest rule names the class. */
function classify(differences: readonly FieldDifference[], rules: readonly IgnoreRule[]): ComparisonClass {
  if (differences.length === 0) return 'match';
  const isExpected = differences.some(({ path }) => findRule(path, rules)?.class === 'expected');
  return isExpected ? 'expected' : 'benign';
}

function diffHeaders(control: Answer, candidate: Answer): FieldDifference[] {
  return comparedHeaders.flatMap((name) => {
    const [left, right] = [control.headers[name], candidate.headers[name]];
    return diffJson(`header.${name}`, normalise(name, left), normalise(name, right));
  });
}

function normalise(name: string, value: string | undefined): string | undefined {
  return name === 'content-type' ? value?.toLowerCase().replaceAll(' ', '') : value;
}

function diffBodies(control: Answer, candidate: Answer): FieldDifference[] {
  if (control.body === candidate.body) return [];
  return diffJson('body', readBody(control), readBody(candidate));
}

/** JSON is compared by its fields, anything else as one text. */
function readBody(answer: Answer): unknown {
  if (!/\bjson\b/.test(answer.headers['content-type'] ?? '')) return answer.body;
  try {
    return parseExactJson(answer.body);
  } catch {
    return answer.body;
  }
}
