import type { Sleeper } from '../kernel/clock.ts';
import { compareObservations, versionsDiffer, type Comparison } from './compare.ts';
import type { IgnoreRule } from './ignore-rules.ts';
import type { Observation } from './observation.ts';
import type { ShadowOrigins } from './ports.ts';
import type { ShadowSample } from './sample.ts';

export interface ExperimentDeps {
  readonly origins: ShadowOrigins;
  readonly sleeper: Sleeper;
  readonly rules: readonly IgnoreRule[];
}

const mostRereads = 3;
const rereadPauseMs = 50;

type Pair = readonly [control: Observation, candidate: Observation];

/**
 * Asks both systems and compares. Users keep writing, so the two answers may be of two versions: then both are
 * asked again, three times at most. State that keeps moving is ignored. Answers that differ and stand still are no
 * race: one side shows wrong or old state, and the comparison says so.
 */
export async function runExperiment(sample: ShadowSample, deps: ExperimentDeps): Promise<Comparison> {
  const { rules } = deps;
  let pair = await observeBoth(sample, deps.origins);
  let hasMoved = false;
  for (let reread = 0; reread < mostRereads && mayBeRace(pair, rules); reread++) {
    await deps.sleeper.sleep(rereadPauseMs);
    const next = await observeBoth(sample, deps.origins);
    hasMoved ||= differs([pair[0], next[0]], rules) || differs([pair[1], next[1]], rules);
    pair = next;
  }
  if (hasMoved && mayBeRace(pair, rules)) return { kind: 'ignored', reason: 'version moved' };
  return compareObservations(...pair, rules);
}

async function observeBoth(sample: ShadowSample, origins: ShadowOrigins): Promise<Pair> {
  return Promise.all([origins.observe('control', sample), origins.observe('candidate', sample)]);
}

/** Both systems work, and what they say could be two moments of one state. A failure is none of state's business. */
function mayBeRace(pair: Pair, rules: readonly IgnoreRule[]): boolean {
  const work = pair.every((observation) => observation.kind === 'answered' && observation.status < 500);
  return work && differs(pair, rules);
}

function differs([left, right]: Pair, rules: readonly IgnoreRule[]): boolean {
  const comparison = compareObservations(left, right, rules);
  return versionsDiffer(left, right) || (comparison.kind === 'compared' && comparison.class === 'critical');
}
