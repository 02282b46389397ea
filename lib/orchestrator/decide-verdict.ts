import type { JudgedGate } from './gates.ts';

export interface Patience {
  /** Waiting asked of the workflow beyond the bake; compressed clocks count it in full. */
  readonly waitedSeconds: number;
  /** Real time since the step was entered (or last moved on). */
  readonly elapsedMs: number;
  readonly breachSeconds: number;
  readonly dataSeconds: number;
}

export type Verdict =
  | { readonly kind: 'advance' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'roll-back'; readonly reason: string };

/** Compression shortens waiting, never evidence: this much real time is always given to new evidence. */
const leastBreachMs = 30_000;
const leastDataMs = 180_000;

/**
 * One verdict over all gates. What harms users goes back at once; a smaller breach is measured again before the step
 * is held; missing data waits and is never taken for good news.
 */
export function decideVerdict(judged: readonly JudgedGate[], patience: Patience): Verdict {
  const bad = reasons(
    judged,
    (gate) => gate.outcome.kind === 'failed' && gate.outcome.response === 'roll-back',
  );
  if (bad !== null) return { kind: 'roll-back', reason: bad };
  const breached = reasons(judged, (gate) => gate.outcome.kind === 'failed');
  if (breached !== null) {
    const kind = isSpent(patience, patience.breachSeconds, leastBreachMs) ? 'hold' : 'wait';
    return { kind, reason: breached };
  }
  const missing = reasons(judged, (gate) => gate.outcome.kind === 'no-data');
  if (missing !== null) {
    const kind = isSpent(patience, patience.dataSeconds, leastDataMs) ? 'hold' : 'wait';
    return { kind, reason: missing };
  }
  if (judged.length === 0) return { kind: 'hold', reason: 'no gate was judged' };
  return { kind: 'advance' };
}

function isSpent(patience: Patience, seconds: number, leastMs: number): boolean {
  const realMs = Math.min(seconds * 1000, leastMs);
  return patience.waitedSeconds >= seconds && patience.elapsedMs >= realMs;
}

function reasons(judged: readonly JudgedGate[], applies: (gate: JudgedGate) => boolean): string | null {
  const found = judged.filter(applies).map(({ gate, outcome }) => {
    return outcome.kind === 'passed' ? gate : `${gate}: ${outcome.why}`;
  });
  return found.length === 0 ? null : found.join('; ');
}

const shortestPollSeconds = 15;
const longestPollSeconds = 3600;

/** A tenth of what was waited already: prompt at first, and few polls in a week (the workflow's history is finite). */
export function nextPollSeconds(waitedSeconds: number): number {
  return Math.min(longestPollSeconds, Math.max(shortestPollSeconds, Math.ceil(waitedSeconds / 10)));
}
