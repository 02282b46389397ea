import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';

import { makeHandler } from '../../../../functions/publish-edition/handler.ts';
import { makeEditionStore } from '../../../../lib/aws/edition-store.ts';
import { encodeKey } from '../../../../lib/migration/key.ts';
import { makeMemoryEditionStore } from '../../../../lib/memory/edition-store.ts';
import { editionDigest } from '../../../../lib/migration/editions/edition-digest.ts';
import { makeEditionWatch } from '../../../../lib/migration/editions/edition-watch.ts';
import type { EditionStore } from '../../../../lib/migration/editions/ports.ts';
import type { PublishAnswer } from '../../../../lib/migration/editions/publish-edition.ts';
import type { ObservedPublication } from '../../../../lib/migration/editions/publish-observed.ts';
import { readEdition } from '../../../../lib/migration/editions/read-edition.ts';
import { readStateStatus } from '../../../../lib/migration/state-status.ts';
import { editionStoreContract } from '../../../contract/edition-store.ts';
import { makeCopiedStore, type CopiedStore } from '../../../support/copied-store.ts';
import { startDynamo, type TestDynamo } from '../../../support/dynoxide.ts';
import { flatEngines, startFlatEngine, type FlatEngine } from '../../../support/flat-engines.ts';

// Engines of their own, and a machine that may be busy with others.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const category = 'configuration';
let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

editionStoreContract('memory', () => Promise.resolve(makeMemoryEditionStore()));
editionStoreContract('DynamoDB', async () => {
  const tables = await dynamo.createTables();
  return makeEditionStore({ client: dynamo.client, table: tables.editions });
});

const key = (setting: number) => ({
  recordType: 'config',
  id: encodeKey(['server', `setting.${setting}`]),
});

describe.each(flatEngines)('over %s', (name) => {
  /** As many as a HAL9 has, once. */
  const settings = name === 'SQLite' ? 1_000 : 100;
  let engine: FlatEngine;
  let store: CopiedStore;
  let editions: EditionStore;
  let invoke: ReturnType<typeof makeHandler>;

  beforeAll(async () => {
    engine = await startFlatEngine(name);
  });
  afterAll(() => engine.stop());
  beforeEach(async () => {
    store = await makeCopiedStore(dynamo, engine, 500);
    const { client, deps, tables } = store;
    await store.execute(`DELETE FROM flat_config; ${insertSettings(settings, '1')}`);
    editions = makeEditionStore({ client, table: tables.editions });
    invoke = makeHandler({ ...deps, editions, gateway: store.gateway });
  });
  afterEach(() => store.close());

  function insertSettings(count: number, value: string): string {
    return `WITH RECURSIVE n(at) AS (VALUES (1) UNION ALL SELECT at + 1 FROM n WHERE at < ${count})
    INSERT INTO flat_config (scope, path, id, value, revision, updated_at, version)
    SELECT 'server', 'setting.' || at, 'id-' || at, '${value}', 1, ${store.flat.any('1700000000000')}, 1 FROM n`;
  }

  function publish(dryRun = false): Promise<PublishAnswer> {
    return invoke({ action: 'publish', category, by: 'test', dryRun }) as Promise<PublishAnswer>;
  }

  /** The values that one whole edition shows. */
  async function valuesNow(): Promise<readonly unknown[]> {
    const read = await readEdition(editions, category);
    return [
      ...new Set((read?.records ?? []).map(({ body }) => (JSON.parse(body) as { value: unknown }).value)),
    ];
  }

  async function write(setting: number, value: string | null): Promise<void> {
    const read = await store.gateway.read(key(setting));
    const before = read.kind === 'read' ? read.row : null;
    const row = value === null ? null : { ...before!, value };
    expect((await store.gateway.write(key(setting), row)).kind).toBe('written');
  }

  async function rowOf(setting: number) {
    const read = await store.gateway.read(key(11));
    if (read.kind !== 'read' || read.row === null) throw new Error('no setting to begin with');
    return { ...read.row, path: `setting.${setting}`, id: `id-${setting}`, value: '3' };
  }

  describe('an edition of the configuration', () => {
    it('is refused before the copy, and shows nothing until it is published', async () => {
      await store.deps.source.installChangeLog();
      await expect(publish()).rejects.toMatchObject({ name: 'BackfillIncomplete' });
      await store.copy(category);

      expect(await readEdition(editions, category)).toBeNull();
      expect(await publish(true)).toMatchObject({
        kind: 'would-publish',
        edition: { number: 1, count: settings },
      });
      expect(await readEdition(editions, category)).toBeNull();
      expect(await publish()).toMatchObject({ kind: 'published', edition: { number: 1 } });
      expect(await publish()).toMatchObject({ kind: 'unchanged', edition: { number: 1 } });
      expect(await valuesNow()).toEqual([1]);
    });

    it('shows all changes together, however often a reader looks meanwhile', async () => {
      await store.copy(category);
      await publish();
      const seen = new Set<string>();
      const reader = { isOver: false };
      const watch = makeEditionWatch(editions, category);
      const reading = (async () => {
        while (!reader.isOver) {
          await watch.refresh();
          const bodies = watch.current()?.records.map(({ body }) => body) ?? [];
          seen.add(
            [...new Set(bodies.map((body) => (JSON.parse(body) as { value: number }).value))].join('+'),
          );
        }
      })();
      for (const value of [2, 3, 4]) {
        await store.execute(`UPDATE flat_config SET value = '${value}'`);
        await store.relay(category);
        expect(await publish()).toMatchObject({ kind: 'published', edition: { number: value } });
      }
      reader.isOver = true;
      await reading;

      expect([...seen].every((values) => ['1', '2', '3', '4'].includes(values))).toBe(true);
      expect(await valuesNow()).toEqual([4]);
    });

    it('is whole after two publish the same at once, whoever is first', async () => {
      await store.copy(category);
      await store.execute(`DELETE FROM flat_config WHERE path NOT LIKE 'setting.1_'`);
      await store.relay(category);
      const answers = await Promise.all([publish(), publish(), publish()]);

      expect(new Set(answers.map(({ kind }) => kind))).not.toContain('pending');
      expect(await editions.current(category)).toMatchObject({ number: 1, count: 10 });
      expect((await readEdition(editions, category))?.records).toHaveLength(10);
    });

    it('does not wait for changes of other categories, which are no lag of this one', async () => {
      await store.copy(category);
      await store.execute(`DELETE FROM flat_metadata`);
      const { relay } = (await readStateStatus(store.deps)).find((status) => status.category === category)!;

      expect(relay.lastSequence).toBe(relay.appliedThrough);
      expect(await publish()).toMatchObject({ kind: 'published' });
    });

    it('waits for changes that are on their way', async () => {
      await store.copy(category);
      await store.execute(`UPDATE flat_config SET value = '2' WHERE path = 'setting.7'`);

      expect(await publish()).toEqual({ kind: 'pending' });
      await store.relay(category);
      expect(await publish()).toMatchObject({ kind: 'published' });
    });

    it('is refused with a row that has no hierarchical form, which is named', async () => {
      await store.execute(`UPDATE flat_config SET value = '{"a":' WHERE path = 'setting.9'`);
      await store.copy(category);

      await expect(publish()).rejects.toMatchObject({
        name: 'EditionUnfit',
        facts: { pks: ['config/server|setting.9'] },
      });
    });

    it('is never read in part: a reader keeps what it has rather than take a damaged one', async () => {
      await store.copy(category);
      await publish();
      const watch = makeEditionWatch(editions, category);
      await watch.refresh();
      await store.execute(`UPDATE flat_config SET value = '2'`);
      await store.relay(category);
      const answer = await publish();
      const edition = 'edition' in answer ? answer.edition : null;
      await store.client.send(
        new DeleteItemCommand({
          TableName: store.tables.editions,
          Key: { pk: { S: `${category}/2/${edition?.digest}` }, sk: { S: 'config/server|setting.5' } },
        }),
      );

      await expect(watch.refresh()).rejects.toMatchObject({ name: 'EditionDamaged' });
      expect(watch.current()?.edition.number).toBe(1);
      expect(await publish()).toMatchObject({ kind: 'published', edition: { number: 3 } });
      expect(await watch.refresh()).toBe(true);
      expect(watch.current()?.edition.number).toBe(3);
    });

    it('leaves the last few for readers that are late, and removes the others', async () => {
      await store.copy(category);
      await store.execute(`DELETE FROM flat_config WHERE path <> 'setting.1'`);
      const places = [];
      for (let value = 1; value <= 6; value += 1) {
        await store.execute(`UPDATE flat_config SET value = '${value}'`);
        await store.relay(category);
        const answer = await publish();
        if ('edition' in answer) places.push(answer.edition);
      }
      const counts = await Promise.all(places.map(async (place) => (await editions.records(place)).length));

      expect(counts).toEqual([0, 0, 1, 1, 1, 1]);
    });
  });

  describe('an edition that is published after the switch', () => {
    beforeEach(async () => {
      await store.execute(`DELETE FROM flat_config WHERE path NOT LIKE 'setting.1_'`);
      await store.copy(category);
      await publish();
      await store.switchTo('hierarchical', category);
    });

    it('is the one before it while nobody has written anything', async () => {
      expect(await publish()).toMatchObject({ kind: 'unchanged', edition: { number: 1, count: 10 } });
    });

    it('has what was written, made and deleted there, and waits until flat has it too', async () => {
      await write(11, '2');
      await write(12, null);
      await store.gateway.write(key(99), await rowOf(99));

      expect(await publish()).toEqual({ kind: 'pending' });
      await store.carryBack(category);
      expect(await publish()).toMatchObject({ kind: 'published', edition: { number: 2, count: 10 } });
      const { records = [] } = (await readEdition(editions, category)) ?? {};
      const values = new Map(
        records.map(({ pk, body }) => [pk, (JSON.parse(body) as { value: unknown }).value]),
      );
      expect(values.get('config/server|setting.11')).toBe(2);
      expect(values.has('config/server|setting.12')).toBe(false);
      expect(values.get('config/server|setting.99')).toBe(3);
    });

    it('goes on being published after the way back, and has what was written on either side', async () => {
      await write(13, '4');
      await store.switchTo('flat', category);
      await store.execute(`UPDATE flat_config SET value = '5' WHERE path = 'setting.14'`);
      await store.relay(category);

      expect(await publish()).toMatchObject({ kind: 'published', edition: { number: 2, count: 10 } });
      expect(new Set(await valuesNow())).toEqual(new Set([1, 4, 5]));
    });
  });

  describe('the hot reload test', () => {
    it('shows a reader all settings of one generation, or none, and removes them at the end', async () => {
      await store.copy(category);
      await publish();
      const seen: unknown[] = [];
      for (const generation of [1, 2, null]) {
        await invoke({ action: 'change', changes: 10, generation });
        await store.relay(category);
        const request = { action: 'publish-observed', category, by: 'test', changes: 10 };
        const observed = (await invoke(request)) as ObservedPublication;
        expect(observed.answer.kind).toBe('published');
        expect(observed.looks).toBeGreaterThan(2);
        seen.push(observed.seen);
      }

      expect(seen).toEqual([
        ['none', 1],
        [1, 2],
        [2, 'none'],
      ]);
      expect(await valuesNow()).toEqual([1]);
    });
  });
});

describe('readers and publishers of editions', () => {
  /** What one step of a schedule does to the store. */
  const schedule = fc.array(fc.nat({ max: 20 }), { minLength: 40, maxLength: 200 });

  it('in any order of their steps: a reader has one generation, whole, and never an older one again', async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async (delays) => {
        let at = 0;
        const pause = async (): Promise<void> => {
          const turns = delays[at % delays.length] ?? 0;
          at += 1;
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        };
        const memory = interrupted(makeMemoryEditionStore(), pause);
        const publishers = [1, 2].map(async (publisher) => {
          for (let round = 0; round < 4; round += 1) await publishGeneration(memory, `${publisher}.${round}`);
        });
        const watch = makeEditionWatch(memory, category);
        const seen: [number, Set<string>][] = [];
        for (let look = 0; look < 12; look += 1) {
          await watch.refresh();
          const held = watch.current();
          if (held !== null) seen.push([held.edition.number, new Set(held.records.map(({ body }) => body))]);
        }
        await Promise.all(publishers);

        expect(seen.every(([, bodies]) => bodies.size === 1)).toBe(true);
        expect(seen.map(([number]) => number)).toEqual(
          seen.map(([number]) => number).toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 200 },
    );
  });
});

/** The protocol of a publication with a generation of five records that all say the same. */
async function publishGeneration(memory: EditionStore, generation: string): Promise<void> {
  const records = [1, 2, 3, 4, 5].map((at) => ({ pk: `config/${at}`, body: `"${generation}"` }));
  const before = await memory.current(category);
  const number = (before?.number ?? 0) + 1;
  const common = { category, number, publishedAtMs: 0, by: generation, earlier: [] };
  const edition = { ...common, count: records.length, digest: editionDigest(records) };
  await memory.write(edition, records);
  await memory.publish(edition);
}

/** Every record is a write of its own, with pauses between. */
function interrupted(memory: EditionStore, pause: () => Promise<void>): EditionStore {
  return {
    ...memory,
    current: async (name) => {
      await pause();
      return await memory.current(name);
    },
    write: async (place, records) => {
      for (const record of records) {
        await pause();
        await memory.write(place, [record]);
      }
    },
    records: async (place) => {
      await pause();
      return await memory.records(place);
    },
    publish: async (edition) => {
      await pause();
      return await memory.publish(edition);
    },
  };
}
