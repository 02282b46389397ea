import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeBodyMarks } from '../../lib/aws/body-marks.ts';
import { makeBodyObjects } from '../../lib/aws/body-objects.ts';
import { makeLargeBodies } from '../../lib/aws/large-bodies.ts';
import { makeMemoryBodyMarks } from '../../lib/memory/body-marks.ts';
import { makeMemoryBodyObjects } from '../../lib/memory/body-objects.ts';
import { makeMemoryLargeBodies, type StoredBody } from '../../lib/memory/large-bodies.ts';
import type { BodyMarks, BodyObjects } from '../../lib/migration/bodies/ports.ts';
import type { LargeBodies } from '../../lib/migration/large-bodies.ts';
import { startDynamo, type TestDynamo } from '../support/dynoxide.ts';
import { startObjects, type TestObjects } from '../support/fauxqs-s3.ts';

let dynamo: TestDynamo;
let store: TestObjects;
beforeAll(async () => {
  [dynamo, store] = await Promise.all([startDynamo(), startObjects()]);
});
afterAll(() => Promise.all([dynamo.stop(), store.stop()]));

const clock = { nowMs: () => Date.now() };

interface Bodies {
  readonly bodies: LargeBodies;
  readonly objects: BodyObjects;
}

const objectAdapters: Readonly<Record<string, () => Promise<Bodies>>> = {
  memory: () => {
    const objects = new Map<string, StoredBody>();
    const bodies = makeMemoryLargeBodies({ clock, objects });
    return Promise.resolve({ bodies, objects: makeMemoryBodyObjects(objects) });
  },
  S3: async () => {
    const { client } = store;
    const bucket = await store.createBucket();
    return {
      bodies: makeLargeBodies({ client, bucket, clock }),
      objects: makeBodyObjects({ client, bucket }),
    };
  },
};

describe.each(Object.entries(objectAdapters))('objects of large bodies: %s', (_name, make) => {
  test('are listed in the order of their names, in pages, with length and time', async () => {
    const { bodies, objects } = await make();
    const names: string[] = [];
    for (const text of ['one', 'two', 'three', 'four', 'five']) names.push(await bodies.put(text));
    names.sort();

    const first = await objects.list(null, 2);
    const second = await objects.list(names[1] ?? '', 2);
    const last = await objects.list(names[3] ?? '', 2);

    expect([...first, ...second, ...last].map(({ name }) => name)).toEqual(names);
    expect(await objects.list(names[4] ?? '', 2)).toEqual([]);
    expect(await objects.find(await bodies.put('three'))).toMatchObject({ bytes: 5 });
    const { storedAtMs = 0 } = first[0] ?? {};
    expect(Math.abs(storedAtMs - Date.now())).toBeLessThan(60_000);
  });

  test('are gone when they were removed, which may be repeated, and others are not', async () => {
    const { bodies, objects } = await make();
    const [name, other] = [await bodies.put('text'), await bodies.put('other')];

    await objects.remove(name);
    await objects.remove(name);

    expect([await objects.find(name), await bodies.get(name)]).toEqual([null, null]);
    expect(await objects.find(name.slice(0, -1))).toBeNull();
    expect(await objects.find(other.slice(0, -1))).toBeNull();
    expect((await objects.list(null, 10)).map((object) => object.name)).toEqual([other]);
  });
});

const markAdapters: Readonly<Record<string, () => Promise<BodyMarks>>> = {
  memory: () => Promise.resolve(makeMemoryBodyMarks()),
  DynamoDB: async () => {
    const { progress } = await dynamo.createTables();
    return makeBodyMarks({ client: dynamo.client, table: progress });
  },
};

describe.each(Object.entries(markAdapters))('marks of bodies: %s', (_name, make) => {
  test('are listed in order, are those of the last sweep, and go', async () => {
    const marks = await make();
    await marks.add(['c', 'a', 'b'], 'first');
    await marks.add(['b', 'd'], 'second');
    await marks.remove(['c', 'never']);

    expect(await marks.list(null, 2)).toEqual([
      { name: 'a', sweepId: 'first', unnamedSinceMs: null },
      { name: 'b', sweepId: 'second', unnamedSinceMs: null },
    ]);
    expect(await marks.list('b', 2)).toEqual([{ name: 'd', sweepId: 'second', unnamedSinceMs: null }]);
    expect(await marks.list('d', 2)).toEqual([]);
  });

  test('say since when, unless they are gone or of another sweep by now', async () => {
    const marks = await make();
    await marks.add(['a', 'b', 'c'], 'first');
    const [a, b, c] = await marks.list(null, 3);
    await marks.remove(['b', 'c']);
    await marks.add(['b'], 'second');

    for (const mark of [a, b, c]) await marks.setUnnamed(mark!, 30);
    await marks.add(['a'], 'third');

    expect(await marks.list(null, 3)).toEqual([
      { name: 'a', sweepId: 'third', unnamedSinceMs: 30 },
      { name: 'b', sweepId: 'second', unnamedSinceMs: null },
    ]);
  });
});
