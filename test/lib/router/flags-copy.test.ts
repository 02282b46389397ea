import { expect, test } from 'vitest';

import { defaultFlagsDocument } from '../../../lib/flags/document.ts';
import { makeFlagsCopy } from '../../../lib/router/flags-copy.ts';

test('a copy is fetched at the first request and again when it is 15 seconds old, by the same session', async () => {
  const { copy, cloud, clock } = makeCopy();
  cloud.traffic = 5;

  await copy.refresh();
  clock.now = 14_999;
  await copy.refresh();
  expect(copy.current()?.trafficThousandths).toBe(5);
  expect(cloud.calls).toEqual(['start', 'next t1']);

  cloud.traffic = 6;
  clock.now = 15_000;
  await copy.refresh();
  expect(copy.current()?.trafficThousandths).toBe(6);
  expect(cloud.calls).toEqual(['start', 'next t1', 'next t2']);
});

test('the last good copy stays in force while AppConfig fails, and a failure is not repeated for every request', async () => {
  const { copy, cloud, clock } = makeCopy();
  await copy.refresh();
  cloud.fails = true;
  clock.now = 20_000;

  await copy.refresh();
  await copy.refresh();

  expect(copy.current()).not.toBeNull();
  expect(cloud.calls).toEqual(['start', 'next t1', 'next t2']);
});

test('after a failed call a new session is started, since the token may be used up', async () => {
  const { copy, cloud, clock } = makeCopy();
  await copy.refresh();
  cloud.fails = true;
  clock.now = 20_000;
  await copy.refresh();
  cloud.fails = false;
  clock.now = 25_000;
  await copy.refresh();

  expect(cloud.calls.slice(3)).toEqual(['start', 'next t3']);
});

test('what cannot be read changes nothing', async () => {
  const { copy, cloud, clock } = makeCopy();
  cloud.traffic = 5;
  await copy.refresh();
  cloud.content = '{"schemaVersion": 9}';
  clock.now = 20_000;
  await copy.refresh();

  expect(copy.current()?.trafficThousandths).toBe(5);
});

test('unchanged flags, which come as nothing, keep the copy', async () => {
  const { copy, cloud, clock } = makeCopy();
  cloud.traffic = 5;
  await copy.refresh();
  cloud.content = null;
  clock.now = 20_000;
  await copy.refresh();

  expect(copy.current()?.trafficThousandths).toBe(5);
});

test('on doubt a new session looks at once, but not for every request', async () => {
  const { copy, cloud, clock } = makeCopy();
  await copy.refresh();
  cloud.traffic = 9;
  clock.now = 3_000;

  await copy.refreshOnDoubt();
  await copy.refreshOnDoubt();

  expect(copy.current()?.trafficThousandths).toBe(9);
  expect(cloud.calls).toEqual(['start', 'next t1', 'start', 'next t3']);
});

test('the start of a sandbox may take a second, a request 50 milliseconds for all calls together', async () => {
  const { copy, cloud, clock } = makeCopy();

  await copy.prime();
  clock.now = 15_000;
  await copy.refresh();

  expect(cloud.budgets).toEqual([1_000, 50]);
});

test('a start without flags is not repeated by the first request', async () => {
  const { copy, cloud } = makeCopy();
  cloud.fails = true;

  await copy.prime();
  await copy.refresh();
  await copy.refreshOnDoubt();

  expect(copy.current()).toBeNull();
  expect(cloud.budgets).toEqual([1_000]);
});

function makeCopy() {
  const clock = { now: 0, nowMs: () => clock.now };
  const cloud = {
    traffic: 0,
    content: undefined as string | null | undefined,
    fails: false,
    calls: [] as string[],
    budgets: [] as number[],
  };
  let tokens = 0;
  const copy = makeFlagsCopy({
    clock,
    within: async (durationMs, work) => {
      cloud.budgets.push(durationMs);
      return work(new AbortController().signal);
    },
    session: {
      async start() {
        cloud.calls.push('start');
        return `t${++tokens}`;
      },
      async next(token) {
        cloud.calls.push(`next ${token}`);
        if (cloud.fails) throw new Error('unavailable');
        const document = { ...defaultFlagsDocument, trafficThousandths: cloud.traffic };
        return {
          token: `t${++tokens}`,
          content: cloud.content === undefined ? JSON.stringify(document) : cloud.content,
        };
      },
    },
  });
  return { copy, cloud, clock };
}
