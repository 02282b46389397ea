import { HalError } from '../../kernel/errors.ts';
import { graphTablesOf } from './graph-tables.ts';
import { makeTraceSignals, sampleStarts, type SignalDifference, type TraceDeps } from './trace-signals.ts';

export interface SignalTest {
  readonly samples: number;
  readonly walked: number;
  /** Signals that reached another unit at all. */
  readonly hops: number;
  readonly differing: number;
  /** The first twenty. */
  readonly differences: readonly SignalDifference[];
}

export type SignalTestAnswer =
  | { readonly done: false; readonly cursor: string; readonly result: SignalTest }
  | { readonly done: true; readonly result: SignalTest };

interface Position {
  /** Keys of the neurons where signals start. */
  readonly starts: readonly string[];
  readonly result: SignalTest;
}

const mostDifferences = 20;
const atOnce = 20;

/** Follows signals from sampled neurons in both systems. Throws HalError `LayersNotPublished`. */
export function makeTestSignals(
  deps: TraceDeps,
): (samples: number, cursor: string | null, deadlineMs: number) => Promise<SignalTestAnswer> {
  const graph = graphTablesOf(deps.definition);
  const trace = makeTraceSignals(deps);
  const { recordType } = graph.neurons[0];
  return async (samples, cursor, deadlineMs) => {
    await requirePublished(deps);
    const { starts, result: before }: Position =
      cursor === null ? await firstPosition(deps, samples) : (JSON.parse(cursor) as Position);
    let result = before;
    while (result.walked < starts.length) {
      const ids = starts.slice(result.walked, result.walked + atOnce);
      const { hops, different } = await trace(ids.map((id) => ({ recordType, id })));
      result = {
        samples: result.samples,
        walked: result.walked + ids.length,
        hops: result.hops + hops,
        differing: result.differing + different.length,
        differences: [...result.differences, ...different].slice(0, mostDifferences),
      };
      if (deps.clock.nowMs() >= deadlineMs && result.walked < starts.length) {
        return { done: false, cursor: JSON.stringify({ starts, result }), result };
      }
    }
    return { done: true, result };
  };
}

async function firstPosition(deps: TraceDeps, samples: number): Promise<Position> {
  const starts = await sampleStarts(deps.source, graphTablesOf(deps.definition), samples);
  return {
    starts: starts.map(({ id }) => id),
    result: { samples: starts.length, walked: 0, hops: 0, differing: 0, differences: [] },
  };
}

async function requirePublished({ manifests }: TraceDeps): Promise<void> {
  const { layers } = await manifests.read();
  if (layers.length > 0) return;
  throw new HalError({
    name: 'LayersNotPublished',
    message: 'No layer is published yet, so the hierarchical system shows no edge for a signal to follow.',
    remedy: 'Run `hal9-migrate neurons verify` first; it publishes the layers that it finds sound.',
    exit: 'conflict',
  });
}
