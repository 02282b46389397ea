import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { makeLargeBodies } from '../../lib/aws/large-bodies.ts';
import { sha256Hex } from '../../lib/kernel/sha256.ts';
import { makeMemoryLargeBodies } from '../../lib/memory/large-bodies.ts';
import type { LargeBodies } from '../../lib/migration/large-bodies.ts';
import { startObjects, type TestObjects } from '../support/fauxqs-s3.ts';

let objects: TestObjects;
beforeAll(async () => {
  objects = await startObjects();
});
afterAll(() => objects.stop());

let nowMs = 0;
const clock = { nowMs: () => nowMs };

const adapters: Readonly<Record<string, () => Promise<LargeBodies>>> = {
  memory: () => Promise.resolve(makeMemoryLargeBodies({ clock })),
  S3: async () => makeLargeBodies({ client: objects.client, bucket: await objects.createBucket(), clock }),
};

describe.each(Object.entries(adapters))('large bodies: %s', (_name, make) => {
  let bodies: LargeBodies;
  beforeEach(async () => {
    nowMs = Date.UTC(2026, 10, 22, 23, 59);
    bodies = await make();
  });

  test('come back under the day and their sha256, to the last byte', async () => {
    const text = `"${'x'.repeat(500_000)}\u{1F9E0} é"`;

    const name = await bodies.put(text);

    expect(name).toBe(`2026-11-22/${sha256Hex(text)}`);
    expect(await bodies.get(name)).toBe(text);
  });

  test('may be put again, and what was never put is not there', async () => {
    const first = await bodies.put('{}');

    expect(await bodies.put('{}')).toBe(first);
    expect(await bodies.get(`2026-11-22/${'ab'.repeat(32)}`)).toBeNull();
  });

  test('put on another day are another object, and the earlier one stays', async () => {
    const first = await bodies.put('{}');
    nowMs += 60_000;
    const second = await bodies.put('{}');

    expect(second).toBe(`2026-11-23/${sha256Hex('{}')}`);
    expect([await bodies.get(first), await bodies.get(second)]).toEqual(['{}', '{}']);
  });
});

test('an object that is not what was put is no body', async () => {
  const bucket = await objects.createBucket();
  const bodies = makeLargeBodies({ client: objects.client, bucket, clock });
  const name = await bodies.put('{"a":1}');

  await objects.flipBit(bucket, `bodies/${name}`, 3);

  expect(await bodies.get(name)).toBeNull();
});
