import { describe, expect, test } from 'vitest';

import { makeHandler } from '../../functions/measure-outcomes/handler.ts';
import { defaultFlagsDocument } from '../../lib/flags/document.ts';
import { makeFlagStore } from '../../lib/memory/flag-store.ts';
import { makeMetricSink } from '../../lib/memory/metric-sink.ts';
import { makeShadowQueue } from '../../lib/memory/shadow-queue.ts';
import { encodeOutcome, type OutcomeRecord } from '../../lib/router/outcome-record.ts';

const nowMs = Date.UTC(2026, 0, 31);

describe('measuring outcomes', () => {
  test('turns records into metrics of the system that served them', async () => {
    const { handler, metrics } = makeMeter();

    await handler(eventOf(line({}), line({ status: 500 }), line({ cohort: 'hierarchical', status: 200 })));

    expect(metrics.sum('Requests', 'flat')).toBe(2);
    expect(metrics.sum('Errors', 'flat')).toBe(1);
    expect(metrics.sum('Requests', 'hierarchical')).toBe(1);
    expect(metrics.sum('Errors', 'hierarchical')).toBe(0);
  });

  test('counts what it cannot read as malformed and never as a request', async () => {
    const { handler, metrics } = makeMeter();

    await handler(eventOf('rubbish', line({ status: 700 }), '', line({})));

    expect(metrics.sum('OutcomeMalformed')).toBe(3);
    expect(metrics.sum('Requests')).toBe(1);
  });

  test('samples safe requests for the shadow, only while the shadow is on', async () => {
    const { handler, shadow } = makeMeter({ enabled: true, sampleThousandths: 100_000 });
    const off = makeMeter({ enabled: false, sampleThousandths: 100_000 });
    const event = eventOf(
      line({ requestId: 'a' }),
      line({ requestId: 'b', method: 'PUT' }),
      line({ requestId: 'c', method: 'HEAD' }),
    );

    await handler(event);
    await off.handler(event);

    expect(shadow.samples.map((sample) => sample.requestId)).toEqual(['a', 'c']);
    expect(off.shadow.samples).toEqual([]);
  });

  test('repeats the batch when the metrics were not taken, before any sample is sent', async () => {
    const shadow = makeShadowQueue();
    const handler = makeHandler({
      ...makeMeter({ enabled: true, sampleThousandths: 100_000 }).deps,
      shadow,
      metrics: { put: async () => Promise.reject(new Error('throttled')) },
    });

    await expect(handler(eventOf(line({})))).rejects.toThrow('throttled');
    expect(shadow.samples).toEqual([]);
  });

  test('counts samples that the queue does not take, and goes on', async () => {
    const { deps, metrics } = makeMeter({ enabled: true, sampleThousandths: 100_000 });
    const handler = makeHandler({ ...deps, shadow: { send: async () => Promise.reject(new Error('down')) } });

    expect(await handler(eventOf(line({})))).toEqual({ batchItemFailures: [] });
    expect(metrics.sum('ShadowSamplesLost')).toBe(1);
    expect(metrics.sum('Requests')).toBe(1);
  });
});

function line(over: Partial<OutcomeRecord>): string {
  return encodeOutcome({
    requestId: 'r',
    atMs: nowMs,
    cohort: 'flat',
    epoch: 1,
    subject: '0123456789abcdef',
    method: 'GET',
    path: '/api/v1/users/1',
    query: '',
    status: 200,
    latencyMs: 5,
    location: 'LOCAL',
    ...over,
  });
}

function eventOf(...lines: readonly string[]) {
  return { Records: lines.map((each) => ({ kinesis: { data: Buffer.from(each).toString('base64') } })) };
}

function makeMeter(shadowFlags = { enabled: false, sampleThousandths: 0 }) {
  const metrics = makeMetricSink();
  const shadow = makeShadowQueue();
  const flags = makeFlagStore({ ...defaultFlagsDocument, shadow: shadowFlags });
  const deps = { metrics, shadow, flags, clock: { nowMs: () => nowMs } };
  return { handler: makeHandler(deps), deps, metrics, shadow };
}
