import type { Strategy } from './app-config-state.ts';

export interface RolloutStep {
  readonly percentage: number;
  readonly lastsMs: number;
}

/** The percentages a strategy goes through and how long each lasts; bake time comes after them. */
export function rolloutSteps(strategy: Strategy): readonly RolloutStep[] {
  const percentages: number[] = [];
  while ((percentages.at(-1) ?? 0) < 100 && percentages.length < 100) {
    const next = growth(strategy, percentages.length);
    percentages.push(strategy.durationMinutes === 0 ? 100 : Math.min(100, next));
  }
  const lastsMs = (strategy.durationMinutes * 60_000) / percentages.length;
  return percentages.map((percentage) => ({ percentage, lastsMs }));
}

function growth(strategy: Strategy, step: number): number {
  return strategy.growthType === 'LINEAR'
    ? strategy.growthFactor * (step + 1)
    : strategy.growthFactor * 2 ** step;
}
