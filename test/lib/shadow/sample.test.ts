import { expect, test } from 'vitest';

import { drawSample, parseShadowSample } from '../../../lib/shadow/sample.ts';

const request = { method: 'GET', path: '/api/v1/users/1', query: 'a=1', requestId: 'r-1', atMs: 1 };

test('a drawn request survives the way through a queue', () => {
  const sample = drawSample(request, 100_000);

  expect(parseShadowSample(JSON.stringify(sample))).toEqual(request);
});

test('the share drawn is the share asked for, and the same requests are drawn every time', () => {
  const draw = () =>
    Array.from({ length: 20_000 }, (_, index) =>
      drawSample({ ...request, requestId: `r-${index}` }, 10_000),
    ).flatMap((sample) => sample?.requestId ?? []);

  expect(draw().length).toBeGreaterThan(1_800);
  expect(draw().length).toBeLessThan(2_200);
  expect(draw()).toEqual(draw());
  expect(drawSample(request, 0)).toBeNull();
});

test.each(['PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'get'])('%s is never replayed', (method) => {
  expect(drawSample({ ...request, method }, 100_000)).toBeNull();
});

test.each(['//evil.example/x', 'http://evil.example/', '/a b', '/a\r\nhost: evil', '/a?b', '/\\evil', ''])(
  'the path %j is never replayed',
  (path) => {
    expect(drawSample({ ...request, path }, 100_000)).toBeNull();
    expect(parseShadowSample(JSON.stringify({ ...request, path }))).toBeNull();
  },
);

test.each(['', '{', 'null', '[]', '{}', JSON.stringify({ ...request, extra: 1 })])(
  '%j is no sample',
  (text) => {
    expect(parseShadowSample(text)).toBeNull();
  },
);
