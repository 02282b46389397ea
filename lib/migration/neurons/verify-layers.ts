import { HalError } from '../../kernel/errors.ts';
import type { JudgeKeysDeps } from '../judge-keys.ts';
import type { Layer } from '../transforms/assign-layer.ts';
import { withLayers, type LayerManifestStore, type PublishedLayers } from './layer-manifest.ts';
import { manifestsOf, type GraphSurvey } from './survey.ts';
import { makeWalkGraph } from './walk-graph.ts';

export interface VerifyLayersDeps extends JudgeKeysDeps {
  readonly manifests: LayerManifestStore;
}

export interface VerifyLayersRequest {
  readonly layers: readonly Layer[];
  /** Whether layers without a fault are published. */
  readonly publish: boolean;
}

export type VerifyLayersAnswer =
  | { readonly done: false; readonly cursor: string; readonly survey: GraphSurvey }
  | {
      readonly done: true;
      readonly survey: GraphSurvey;
      /** Of the layers asked for, those that have faults. */
      readonly faulty: readonly Layer[];
      readonly published: PublishedLayers;
    };

const mostAttempts = 5;

/**
 * Compares every neuron and edge in both systems and publishes the layers asked for that have no fault: all of them
 * by one conditional put, after every end of their edges was verified. A layer above a faulty one is not published.
 */
export function makeVerifyLayers(
  deps: VerifyLayersDeps,
): (request: VerifyLayersRequest, cursor: string | null, deadlineMs: number) => Promise<VerifyLayersAnswer> {
  const walk = makeWalkGraph(deps);
  return async ({ layers, publish }, cursor, deadlineMs) => {
    const answer = await walk({ sides: 'both', parts: 'graph' }, cursor, deadlineMs);
    if (!answer.done) return answer;
    const { survey } = answer;
    const faulty = layers.filter((layer) => survey.layers[layer].faults > 0);
    const published = publish ? await publishSound(deps, survey, layers) : await deps.manifests.read();
    return { done: true, survey, faulty, published };
  };
}

async function publishSound(
  { manifests, clock }: VerifyLayersDeps,
  survey: GraphSurvey,
  wanted: readonly Layer[],
): Promise<PublishedLayers> {
  // What lies above a fault may have edges into it.
  const firstFaulty = wanted.findIndex((layer) => survey.layers[layer].faults > 0);
  const below = firstFaulty < 0 ? wanted : wanted.slice(0, firstFaulty);
  const sound = manifestsOf(survey, below, clock.nowMs());
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const present = await manifests.read();
    if (sound.length === 0) return present;
    const next = withLayers(present, sound);
    if (await manifests.publish(next)) return next;
  }
  throw new HalError({
    name: 'LayersContended',
    message: `Somebody else publishes layers at the same time; ${mostAttempts} attempts failed.`,
    remedy: 'Let the other command end, then run this one again.',
    exit: 'conflict',
    facts: { wanted },
  });
}
