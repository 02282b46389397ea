import { expect, test } from 'vitest';

import { runExperiment } from '../../../lib/shadow/experiment.ts';
import { defaultIgnoreRules } from '../../../lib/shadow/ignore-rules.ts';
import type { Observation } from '../../../lib/shadow/observation.ts';
import type { ShadowSample } from '../../../lib/shadow/sample.ts';

const sample: ShadowSample = { method: 'GET', path: '/x', query: '', requestId: 'r', atMs: 0 };
const answer = (version: string | null, body = version, status = 200): Observation => ({
  kind: 'answered',
  status,
  headers: { 'content-type': 'application/json', ...(version === null ? {} : { etag: `"${version}"` }) },
  body: JSON.stringify({ body }),
  durationMs: 1,
});

test('equal answers need one look', async () => {
  const { looks, run } = makeExperiment([answer('1.5')], [answer('1.5')]);

  expect(await run()).toMatchObject({ kind: 'compared', class: 'match' });
  expect(looks()).toBe(1);
});

test('answers of two versions are asked for again until they are of one', async () => {
  const { looks, run } = makeExperiment([answer('1.5'), answer('1.6')], [answer('1.6')]);

  expect(await run()).toMatchObject({ kind: 'compared', class: 'match' });
  expect(looks()).toBe(2);
});

test('versions that keep moving are ignored after three repetitions', async () => {
  const { looks, run } = makeExperiment(moving(0), moving(1));

  expect(await run()).toEqual({ kind: 'ignored', reason: 'version moved' });
  expect(looks()).toBe(4);
});

test('versions that differ and stand still are no race: the content decides', async () => {
  expect(await makeExperiment([answer('1.5')], [answer('1.4')]).run()).toMatchObject({ class: 'critical' });
  expect(await makeExperiment([answer('1.5', 'same')], [answer('1.4', 'same')]).run()).toMatchObject({
    class: 'benign',
  });
});

test('a delete between the two reads is a race, not a mismatch', async () => {
  const gone = answer(null, 'not found', 404);

  expect(await makeExperiment([answer('1.5'), gone], [gone]).run()).toMatchObject({ class: 'match' });
  expect(await makeExperiment([answer('1.5')], [gone]).run()).toMatchObject({ class: 'critical' });
});

test('a failure of one system is critical at once', async () => {
  const { looks, run } = makeExperiment(
    [answer('1.5')],
    [{ kind: 'failed', cause: 'deadline passed', durationMs: 2000 }],
  );

  expect(await run()).toMatchObject({ class: 'critical' });
  expect(looks()).toBe(1);
});

function moving(offset: number): Observation[] {
  return [1, 3, 5, 7, 9].map((sequence) => answer(`1.${sequence + offset}`));
}

/** The answers one after the other; the last one for ever. */
function next(answers: Observation[]): Observation {
  return answers.length > 1 ? answers.shift()! : answers[0]!;
}

/** Each side answers from its list, and repeats the last one. */
function makeExperiment(control: Observation[], candidate: Observation[]) {
  let looks = 0;
  const run = () =>
    runExperiment(sample, {
      rules: defaultIgnoreRules,
      sleeper: { sleep: async () => {} },
      origins: {
        async observe(side) {
          if (side === 'control') looks += 1;
          return next(side === 'control' ? control : candidate);
        },
      },
    });
  return { run, looks: () => looks };
}
