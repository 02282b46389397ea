import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { setRow } from '../../../../lib/memory/flat-store.ts';
import { makeRestoreBackup } from '../../../../lib/migration/backup/restore-backup.ts';
import { makeSwitchAuthority } from '../../../../lib/migration/switch-authority.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { sessionKey } from '../migration-in-memory.ts';
import { backupInMemory } from './backup-in-memory.ts';

const event = { recordType: 'event', id: 'a|#1' };

async function backedUp() {
  const system = backupInMemory();
  await system.copyEverything();
  for (let at = 0; at < 7; at += 1) await system.put(`s${at}`, `payload ${at}`);
  setRow(system.store, tableOf(system.deps.definition, 'event'), event.id, {
    stream: 'a',
    number: 1n,
    payload: 'x',
  });
  await system.backUp();
  /** What no trigger sees: a bad disk, a bad hand. */
  const damage = (id: string, payload: string | null): void => {
    const row = payload === null ? null : { id, payload };
    setRow(system.store, tableOf(system.deps.definition, 'session'), id, row);
  };
  return { ...system, damage };
}

type System = Awaited<ReturnType<typeof backedUp>>;
const quarantined = async ({ deps }: System) =>
  (await deps.quarantine.list('user-sessions', null, 100)).entries.map(({ key, errorName, rawRow }) => ({
    pk: `${key.recordType}/${key.id}`,
    errorName,
    rawRow,
  }));

describe('a restore', () => {
  test('brings back what was damaged or lost, as new writes that the log carries on', async () => {
    const system = await backedUp();
    const before = system.rows('session');
    const { sequence } = await system.deps.source.lowWatermark('user-sessions');
    system.damage('s1', 'damaged');
    system.damage('s2', null);

    const counts = await system.restore();

    expect(counts).toMatchObject({ entries: 8, restored: 2, unchanged: 6, kept: 0, setAside: 0 });
    expect(system.rows('session')).toEqual(before);
    const { images } = await system.deps.source.readChanges('user-sessions', sequence, 10);
    expect(images.map(({ key }) => key.id)).toEqual(['s1', 's2']);
  });

  test('keeps acknowledged writes that are newer than the checkpoint', async () => {
    const system = await backedUp();
    await system.put('s1', 'newer');
    await system.put('s2', null);
    await system.put('t1', 'created');
    const before = system.rows('session');

    const counts = await system.restore();

    expect(counts).toMatchObject({ kept: 2, restored: 0, removed: 0 });
    expect(system.rows('session')).toEqual(before);
  });

  test('puts them into quarantine when the checkpoint must come back, and loses none', async () => {
    const system = await backedUp();
    const before = system.rows('session');
    await system.put('s1', 'newer');
    await system.put('s2', null);
    await system.put('t1', 'created');

    const counts = await system.restore({ newer: 'set-aside' });

    expect(counts).toMatchObject({ setAside: 2, removed: 1, kept: 0 });
    expect(system.rows('session')).toEqual(before);
    expect(await quarantined(system)).toEqual([
      { pk: 'session~r1/s1', errorName: 'NewerThanCheckpoint', rawRow: '{"id":"s1","payload":"newer"}' },
      { pk: 'session~r1/s2', errorName: 'NewerThanCheckpoint', rawRow: 'null' },
      { pk: 'session~r1/t1', errorName: 'NewerThanCheckpoint', rawRow: '{"id":"t1","payload":"created"}' },
    ]);
  });

  test('finds everything unchanged when it is repeated', async () => {
    const system = await backedUp();
    system.damage('s1', 'damaged');
    await system.restore({ newer: 'set-aside' });

    expect(await system.restore({ newer: 'set-aside' })).toMatchObject({
      unchanged: 8,
      restored: 0,
      setAside: 0,
    });
  });

  test('only counts in a dry run', async () => {
    const system = await backedUp();
    system.damage('s1', 'damaged');
    await system.put('s2', 'newer');
    const before = system.rows('session');

    const counts = await system.restore({ newer: 'set-aside', dryRun: true });

    expect(counts).toMatchObject({ restored: 1, setAside: 1 });
    expect(system.rows('session')).toEqual(before);
    expect(await quarantined(system)).toEqual([]);
  });

  test('never writes over somebody who writes at the same moment', async () => {
    const system = await backedUp();
    system.damage('s1', 'damaged');
    const { flatWriter } = system.deps;
    let isFirst = true;
    const restoreBackup = makeRestoreBackup({
      ...system.deps,
      flatWriter: {
        async writeIf(change, expected) {
          if (isFirst) await system.put('s1', 'in between');
          isFirst = false;
          return await flatWriter.writeIf(change, expected);
        },
      },
    });

    await restoreBackup(
      {
        restoreId: 'r1',
        checkpointId: 'before',
        categories: ['user-sessions'],
        newer: 'reapply',
        dryRun: false,
        cursor: null,
      },
      Number.POSITIVE_INFINITY,
    );

    expect(system.rows('session')).toMatchObject({ s1: { payload: 'in between' } });
  });

  test('puts pieces of the backup that cannot be read into quarantine, and restores the rest', async () => {
    const system = await backedUp();
    for (const id of ['s1', 's2', 's3']) system.damage(id, null);
    await system.put('t1', 'created later, or in the piece that cannot be read');
    const [block] = [...system.backups.parts.values()][0] ?? [];
    // The block's own hash is right again, so that it is the record's hash that tells.
    const text = (block?.text ?? '').replace('payload 2', 'payload X');
    const { sha256Hex } = await import('../../../../lib/kernel/sha256.ts');
    Object.assign(block!, { text, sha256: sha256Hex(text) });

    const counts = await system.restore({ newer: 'set-aside' });

    expect(counts).toMatchObject({ restored: 2, damaged: 1, removed: 0 });
    expect(Object.keys(system.rows('session'))).toEqual(['s0', 's1', 's3', 's4', 's5', 's6', 't1']);
    expect(await quarantined(system)).toMatchObject([
      {
        pk: 'session~r1/s2',
        errorName: 'BackupRecordDamaged',
        rawRow: expect.stringContaining('payload X') as string,
      },
    ]);
  });

  test('is refused while the category is fenced, switched or copied, and without what it needs', async () => {
    const system = await backedUp();
    const refused = { name: 'RestoreRefused' };

    await system.deps.source.fence('user-sessions', 1);
    await expect(system.restore()).rejects.toMatchObject(refused);
    await system.deps.source.unfence('user-sessions', 1);
    const range = [...system.world.ranges.values()][0];
    system.world.ranges.set(range!.rangeId, { ...range!, state: 'planned' });
    await expect(system.restore()).rejects.toMatchObject(refused);
    system.world.ranges.set(range!.rangeId, range!);
    await expect(system.restore({ categories: ['configuration'] })).rejects.toMatchObject({
      name: 'CheckpointLacksCategory',
    });
    expect(await system.restore()).toMatchObject({ unchanged: 8 });
  });
});

async function switched(): Promise<System> {
  const system = await backedUp();
  await makeSwitchAuthority(system.deps).switchTo({
    category: 'user-sessions',
    to: 'hierarchical',
    requestedBy: 'test',
  });
  return system;
}

describe('under hierarchical authority', () => {
  const pk = 'session/s1';

  test('records come back with the next version of that side, on their way to flat', async () => {
    const system = await switched();
    const { body } = system.world.records.get(pk)!;
    system.world.records.set(pk, { ...system.world.records.get(pk)!, body: '{"columns":{}}' });

    const counts = await system.restore({ categories: ['user-sessions'] });

    expect(counts).toMatchObject({ restored: 1, unchanged: 6 });
    expect(system.world.records.get(pk)).toMatchObject({ body, version: { epoch: 2, sequence: 1 } });
    expect(await system.deps.reversePending.count('user-sessions')).toBe(1);
    expect(await quarantined(system)).toMatchObject([{ pk: 'session~r1/s1', errorName: 'RecordDamaged' }]);
  });

  test('a backup holds what flat does not have yet', async () => {
    const system = await switched();
    const { key, category } = system.world.records.get(pk)!;
    await system.backUp('one');
    const { sealRecord } = await import('../../../../lib/migration/record-hash.ts');
    const written = sealRecord({
      key,
      category,
      version: { epoch: 2, sequence: 1 },
      state: 'live',
      origin: 'hierarchical',
      body: '{"columns":{"id":{"text":"s1"},"payload":{"text":"only here"}}}',
    });
    const { groupOf } = await import('../../../../lib/migration/bucket.ts');
    await system.deps.hierarchical.write(written, {
      group: groupOf(key),
      expected: { epoch: 1, sequence: 2 },
    });

    await system.backUp('two');

    const text = [...system.backups.parts]
      .filter(([name]) => name.startsWith('two/user'))
      .flatMap(([, blocks]) => blocks);
    expect(text.map((block) => block.text).join('')).toContain('only here');
    expect((await system.verify('two')).intact).toBe(true);
  });
});

test('a restore of one category touches keys of no other, whatever was done to them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(8), fc.option(fc.string({ maxLength: 5 })), fc.boolean(), fc.boolean()), {
        maxLength: 25,
      }),
      fc.constantFrom('reapply' as const, 'set-aside' as const),
      async (edits, newer) => {
        const system = await backedUp();
        for (const [at, payload, isLogged, isOther] of edits) {
          if (isOther) {
            const row = payload === null ? null : { stream: 'a', number: BigInt(at), payload };
            setRow(system.store, tableOf(system.deps.definition, 'event'), `a|#${at}`, row);
          } else if (isLogged) await system.put(`s${at}`, payload);
          else system.damage(`s${at}`, payload);
        }
        const others = system.rows('event');
        const acknowledged = system.rows('session');

        await system.restore({ categories: ['user-sessions'], newer });

        expect(system.rows('event')).toEqual(others);
        const { images } = await system.deps.source.readCurrent('user-sessions', [sessionKey('s0')]);
        expect(images).toHaveLength(1);
        const held = new Set((await quarantined(system)).map(({ rawRow }) => rawRow));
        const logged = new Set(
          edits.filter(([, , isLogged, isOther]) => isLogged && !isOther).map(([at]) => `s${at}`),
        );
        const after = system.rows('session');
        // Whatever a trigger saw last is there, or in quarantine.
        for (const [id, row] of Object.entries(acknowledged)) {
          if (!logged.has(id)) continue;
          const isThere = JSON.stringify(after[id]) === JSON.stringify(row);
          expect(isThere || held.has(JSON.stringify(row)), `${id} ${JSON.stringify(row)}`).toBe(true);
        }
      },
    ),
    { numRuns: 150 },
  );
});
