import type { FlagReader } from '../../lib/flags/ports.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import { countMetric, type Metric, type MetricSink } from '../../lib/kernel/metric-sink.ts';
import { parseOutcomeData } from '../../lib/router/outcome-data.ts';
import { outcomeMetricNames, summariseOutcomes } from '../../lib/router/outcome-metrics.ts';
import type { OutcomeRecord } from '../../lib/router/outcome-record.ts';
import type { ShadowQueue } from '../../lib/shadow/ports.ts';
import { drawSample } from '../../lib/shadow/sample.ts';

export interface MeasureOutcomesDeps {
  readonly metrics: MetricSink;
  readonly shadow: ShadowQueue;
  readonly flags: FlagReader;
  readonly clock: Clock;
}

interface OutcomeEvent {
  readonly Records: readonly { readonly kinesis: { readonly data: string } }[];
}

interface OutcomeAnswer {
  /** Always empty: a batch is taken as a whole or, by an error, repeated as a whole. */
  readonly batchItemFailures: readonly never[];
}

/**
 * Turns outcome records into metrics and draws the shadow sample from them. Metrics come first and their failure
 * repeats the batch, as nothing else was done yet; a sample that cannot be queued is counted and given up.
 */
export function makeHandler({ metrics, shadow, flags, clock }: MeasureOutcomesDeps) {
  return async (event: OutcomeEvent): Promise<OutcomeAnswer> => {
    const nowMs = clock.nowMs();
    const { records, malformed } = readRecords(event, nowMs);
    await metrics.put([...summariseOutcomes(records), ...countMalformed(malformed, nowMs)]);
    await sendSamples(records, nowMs);
    return { batchItemFailures: [] };
  };

  async function sendSamples(records: readonly OutcomeRecord[], nowMs: number): Promise<void> {
    const document = await flags.read();
    if (document === null || !document.shadow.enabled) return;
    const { sampleThousandths } = document.shadow;
    const samples = records.flatMap((record) => drawSample(record, sampleThousandths) ?? []);
    if (samples.length === 0) return;
    try {
      await shadow.send(samples);
    } catch {
      // A lost sample costs evidence and nothing else; a batch repeated for its sake would count users twice.
      await metrics.put([countMetric('ShadowSamplesLost', samples.length, nowMs)]).catch(() => undefined);
    }
  }
}

function readRecords(event: OutcomeEvent, nowMs: number): { records: OutcomeRecord[]; malformed: number } {
  const records: OutcomeRecord[] = [];
  let malformed = 0;
  for (const { kinesis } of event.Records) {
    for (const parsed of parseOutcomeData(Buffer.from(kinesis.data, 'base64').toString('utf8'), nowMs)) {
      if (parsed.kind === 'outcome') records.push(parsed.record);
      else malformed += 1;
    }
  }
  return { records, malformed };
}

function countMalformed(malformed: number, nowMs: number): Metric[] {
  return malformed === 0 ? [] : [countMetric(outcomeMetricNames.malformed, malformed, nowMs)];
}
