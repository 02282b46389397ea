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

const adapters: Readonly<Record<string, () => Promise<LargeBodies>>> = {
  memory: () => Promise.resolve(makeMemoryLargeBodies()),
  S3: async () => makeLargeBodies({ client: objects.client, bucket: await objects.createBucket() }),
};

describe.each(Object.entries(adapters))('large bodies: %s', (_name, make) => {
  let bodies: LargeBodies;
  beforeEach(async () => {
    bodies = await make();
  });

  test('come back under their sha256, to the last byte', async () => {
    const text = `"${'x'.repeat(500_000)}\u{1F9E0} é"`;

    const sha256 = await bodies.put(text);

    expect(sha256).toBe(sha256Hex(text));
    expect(await bodies.get(sha256)).toBe(text);
  });

  test('may be put again, and what was never put is not there', async () => {
    const first = await bodies.put('{}');

    expect(await bodies.put('{}')).toBe(first);
    expect(await bodies.get('ab'.repeat(32))).toBeNull();
  });
});

test('an object that is not what was put is no body', async () => {
  const bucket = await objects.createBucket();
  const bodies = makeLargeBodies({ client: objects.client, bucket });
  const sha256 = await bodies.put('{"a":1}');

  await objects.flipBit(bucket, `bodies/${sha256}`, 3);

  expect(await bodies.get(sha256)).toBeNull();
});
