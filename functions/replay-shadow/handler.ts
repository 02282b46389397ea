import type { Clock } from '../../lib/kernel/clock.ts';
import { countMetric, type MetricSink } from '../../lib/kernel/metric-sink.ts';
import type { Comparison } from '../../lib/shadow/compare.ts';
import { runExperiment, type ExperimentDeps } from '../../lib/shadow/experiment.ts';
import type { ShadowDifferences } from '../../lib/shadow/ports.ts';
import { parseShadowSample, type ShadowSample } from '../../lib/shadow/sample.ts';

export interface ReplayShadowDeps extends ExperimentDeps {
  readonly differences: ShadowDifferences;
  readonly metrics: MetricSink;
  readonly clock: Clock;
}

interface SampleEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

interface SampleAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

type Result = Comparison | { readonly kind: 'malformed' } | { readonly kind: 'unstored' };

/**
 * Asks both systems the same question again and compares the answers, away from any user. A sample that cannot be
 * read is dropped; a difference that cannot be stored is tried again.
 */
export function makeHandler(deps: ReplayShadowDeps) {
  return async (event: SampleEvent): Promise<SampleAnswer> => {
    const results = await Promise.all(event.Records.map(({ body }) => replay(parseShadowSample(body), deps)));
    await report(results, deps);
    const failed = event.Records.filter((_record, index) => results[index]?.kind === 'unstored');
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

async function replay(sample: ShadowSample | null, deps: ReplayShadowDeps): Promise<Result> {
  if (sample === null) return { kind: 'malformed' };
  const comparison = await runExperiment(sample, deps);
  if (comparison.kind === 'ignored' || comparison.class !== 'critical') return comparison;
  const { requestId, atMs, method, path } = sample;
  try {
    await deps.differences.put({ requestId, atMs, method, path, differences: comparison.differences });
    return comparison;
  } catch {
    return { kind: 'unstored' };
  }
}

/** Matched counts every answer that is right: equal, or different only where it may be. */
async function report(results: readonly Result[], { metrics, clock }: ReplayShadowDeps): Promise<void> {
  const compared = results.filter((result) => result.kind === 'compared');
  const critical = compared.filter((result) => result.class === 'critical').length;
  const nowMs = clock.nowMs();
  const counts: Readonly<Record<string, number>> = {
    ShadowCompared: compared.length,
    ShadowMatched: compared.length - critical,
    ShadowCritical: critical,
    ShadowIgnored: results.filter((result) => result.kind === 'ignored').length,
    ShadowMalformed: results.filter((result) => result.kind === 'malformed').length,
  };
  await metrics.put(Object.entries(counts).map(([name, count]) => countMetric(name, count, nowMs)));
}
