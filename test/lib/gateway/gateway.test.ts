import { describe, expect, test } from 'vitest';

import { category, makeNotesWorld, note, noteKey } from './notes.ts';

type NotesWorld = ReturnType<typeof makeNotesWorld>;

async function underHierarchicalAuthority(world: NotesWorld): Promise<NotesWorld> {
  await world.fenceFlat(1);
  await world.finishToHierarchical(2);
  return world;
}

describe('under flat authority', () => {
  test('reads and writes go to the flat store', async () => {
    const { gateway, world } = makeNotesWorld({});

    const written = await gateway.write(noteKey('a'), note('a', 'one'));
    const read = await gateway.read(noteKey('a'));

    expect(written).toEqual({ kind: 'written', version: null, servedFrom: 'flat' });
    expect(read).toEqual({ kind: 'read', row: note('a', 'one'), version: null, servedFrom: 'flat' });
    expect(world.records.size).toBe(0);
  });

  test('a delete leaves nothing to read, and may be repeated', async () => {
    const { gateway } = makeNotesWorld({});
    await gateway.write(noteKey('a'), note('a', 'one'));

    await gateway.write(noteKey('a'), null);
    const again = await gateway.write(noteKey('a'), null);

    expect(again).toMatchObject({ kind: 'written' });
    expect(await gateway.read(noteKey('a'))).toMatchObject({ kind: 'read', row: null });
  });
});

describe('a key that no store has room for', () => {
  test('is absent, and refused as a whole, under hierarchical authority', async () => {
    const { gateway, world } = await underHierarchicalAuthority(makeNotesWorld({}));
    const id = 'k'.repeat(1_000);

    const written = await gateway.write(noteKey(id), note(id, 'one'));

    expect(written).toMatchObject({ kind: 'rejected', errorName: 'KeyTooLong' });
    expect(await gateway.read(noteKey(id))).toMatchObject({ kind: 'read', row: null });
    expect(world.records.size).toBe(0);
  });
});

describe('while authority moves', () => {
  test('a fenced flat store still answers reads, and a write is done by the new side when it has opened', async () => {
    const notes = makeNotesWorld({ sleeper: { sleep: () => notes.finishToHierarchical(2) } });
    await notes.gateway.write(noteKey('a'), note('a', 'one'));
    await notes.fenceFlat(1);

    const read = await notes.gateway.read(noteKey('a'));
    const written = await notes.gateway.write(noteKey('a'), note('a', 'two'));

    expect(read).toMatchObject({ row: note('a', 'one'), servedFrom: 'flat' });
    expect(written).toEqual({
      kind: 'written',
      version: { epoch: 2, sequence: 1 },
      servedFrom: 'hierarchical',
    });
  });

  test('a switch that takes too long makes writes unavailable and leaves no trace of them', async () => {
    const notes = makeNotesWorld({ maxWaitMs: 200 });
    await notes.fenceFlat(1);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toEqual({ kind: 'unavailable', retryAfterMs: 1_000 });
    expect(await notes.gateway.read(noteKey('a'))).toMatchObject({ row: null });
  });

  test('a fenced hierarchical store still answers reads, and a write is done by flat when it has opened', async () => {
    const notes = makeNotesWorld({ sleeper: { sleep: () => notes.finishToFlat(3) } });
    await underHierarchicalAuthority(notes);
    await notes.gateway.write(noteKey('a'), note('a', 'one'));
    await notes.fenceHierarchical(2);

    const read = await notes.gateway.read(noteKey('a'));
    const written = await notes.gateway.write(noteKey('b'), note('b', 'two'));

    expect(read).toMatchObject({ row: note('a', 'one'), servedFrom: 'hierarchical' });
    expect(written).toMatchObject({ kind: 'written', servedFrom: 'flat' });
    expect(await notes.gateway.read(noteKey('a'))).toMatchObject({
      row: note('a', 'one'),
      servedFrom: 'flat',
    });
  });

  test('an abandoned switch lets waiting writes through to flat', async () => {
    const notes = makeNotesWorld({
      sleeper: { sleep: () => notes.source.unfence(category, 1).then(() => undefined) },
    });
    await notes.fenceFlat(1);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'written', servedFrom: 'flat' });
  });
});

describe('under hierarchical authority', () => {
  test('versions of a key count up within the epoch, through deletes and re-inserts', async () => {
    const { gateway } = await underHierarchicalAuthority(makeNotesWorld({}));

    const versions = [];
    for (const row of [note('a', 'one'), null, note('a', 'two')]) {
      versions.push(await gateway.write(noteKey('a'), row));
    }

    expect(versions).toMatchObject([1, 2, 3].map((sequence) => ({ version: { epoch: 2, sequence } })));
    expect(await gateway.read(noteKey('a'))).toEqual({
      kind: 'read',
      row: note('a', 'two'),
      version: { epoch: 2, sequence: 3 },
      servedFrom: 'hierarchical',
    });
  });

  test('reads look at the authority of a group once for each epoch', async () => {
    const points: string[] = [];
    const notes = makeNotesWorld({ interleave: (point) => Promise.resolve(void points.push(point)) });
    const looks = (): number => points.splice(0).filter((point) => point.startsWith('authority.read')).length;
    await underHierarchicalAuthority(notes);
    await notes.gateway.write(noteKey('a'), note('a', 'one'));
    looks();

    await notes.gateway.read(noteKey('a'));
    const first = looks();
    await notes.gateway.read(noteKey('a'));
    const second = looks();
    await notes.fenceHierarchical(2);
    await notes.finishToFlat(3);
    await notes.fenceFlat(3);
    await notes.finishToHierarchical(4);
    await notes.gateway.read(noteKey('a'));
    const nextEpoch = looks();

    expect({ first, second, nextEpoch }).toEqual({ first: 1, second: 0, nextEpoch: 1 });
  });

  test('a delete leaves a tombstone, and deleting what is absent writes nothing', async () => {
    const { gateway, world } = await underHierarchicalAuthority(makeNotesWorld({}));
    await gateway.write(noteKey('a'), note('a', 'one'));

    await gateway.write(noteKey('a'), null);
    await gateway.write(noteKey('a'), null);
    await gateway.write(noteKey('never'), null);

    expect(world.records.get('note/a')).toMatchObject({ state: 'tombstone', version: { sequence: 2 } });
    expect(world.records.has('note/never')).toBe(false);
    expect(await gateway.read(noteKey('a'))).toMatchObject({ row: null });
  });

  test('a row without a hierarchical form is refused and changes nothing', async () => {
    const { gateway } = await underHierarchicalAuthority(makeNotesWorld({}));
    await gateway.write(noteKey('a'), note('a', 'one'));

    const refused = await gateway.write(noteKey('a'), note('a', 'unfit'));

    expect(refused).toMatchObject({ kind: 'rejected', errorName: 'Unfit' });
    expect(await gateway.read(noteKey('a'))).toMatchObject({ row: note('a', 'one') });
  });

  test('a quarantined record is read from the flat row until a good write replaces it', async () => {
    const notes = makeNotesWorld({});
    await notes.gateway.write(noteKey('a'), note('a', 'unfit'));
    await underHierarchicalAuthority(notes);

    const before = await notes.gateway.read(noteKey('a'));
    await notes.gateway.write(noteKey('a'), note('a', 'fit'));
    const after = await notes.gateway.read(noteKey('a'));

    expect(before).toMatchObject({ row: note('a', 'unfit'), servedFrom: 'flat' });
    expect(after).toMatchObject({ row: note('a', 'fit'), servedFrom: 'hierarchical' });
  });

  test('a row read before authority went away and came back does not stand in for a marker of that time', async () => {
    const notes = makeNotesWorld({
      interleave: once('authority.read:read', async () => {
        await notes.fenceHierarchical(2);
        await notes.finishToFlat(3);
        await notes.gateway.write(noteKey('a'), note('a', 'unfit'));
        await notes.fenceFlat(3);
        await notes.finishToHierarchical(4);
      }),
    });
    await notes.gateway.write(noteKey('a'), note('a', 'one'));
    await underHierarchicalAuthority(notes);

    const read = await notes.gateway.read(noteKey('a'));

    expect(read).toMatchObject({ row: note('a', 'unfit'), servedFrom: 'flat' });
  });

  test('a damaged record is an error, never an answer', async () => {
    const { gateway, world } = await underHierarchicalAuthority(makeNotesWorld({}));
    await gateway.write(noteKey('a'), note('a', 'one'));
    const record = world.records.get('note/a')!;
    world.records.set('note/a', { ...record, body: record.body!.replace('one', 'two') });

    await expect(gateway.read(noteKey('a'))).rejects.toMatchObject({ name: 'RecordCorrupted' });
  });

  test('writers that meet at one key all get through, one after the other', async () => {
    const notes = await underHierarchicalAuthority(makeNotesWorld({}));
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);

    const outcomes = await Promise.all(
      texts.map((text) => notes.gateway.write(noteKey('a'), note('a', text))),
    );

    expect(outcomes.every(({ kind }) => kind === 'written')).toBe(true);
    expect(notes.world.records.get('note/a')?.version).toEqual({ epoch: 2, sequence: 20 });
  });

  test('conflicts are repeated until time is up', async () => {
    let conflictsLeft = 5;
    const notes = makeNotesWorld({
      conflicts: () => {
        conflictsLeft -= 1;
        return conflictsLeft >= 0;
      },
    });
    await underHierarchicalAuthority(notes);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'written', version: { sequence: 1 } });
  });
});

/** Does something at the first passage of one point; what it does passes there freely. */
function once(point: string, effect: () => Promise<void>) {
  let isOver = false;
  return async (reached: string): Promise<void> => {
    if (reached !== point || isOver) return;
    isOver = true;
    await effect();
  };
}

/** Fails the first `times` passages of one point. */
function losing(point: string, times: number) {
  let left = times;
  return (reached: string): Promise<void> => {
    if (reached !== point || left === 0) return Promise.resolve();
    left -= 1;
    return Promise.reject(new Error('socket hang up'));
  };
}

describe('when a reply is lost', () => {
  test('a write that had its effect is a success with one version', async () => {
    const notes = makeNotesWorld({ interleave: losing('hierarchical.write:reply', 1) });
    await underHierarchicalAuthority(notes);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'written', version: { epoch: 2, sequence: 1 } });
    expect(notes.world.records.get('note/a')?.version.sequence).toBe(1);
  });

  test('a write that did not arrive is sent again as it was', async () => {
    const notes = makeNotesWorld({ interleave: losing('hierarchical.write:call', 3) });
    await underHierarchicalAuthority(notes);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'written', version: { epoch: 2, sequence: 1 } });
  });

  test('a write that did not arrive before the fence goes to flat', async () => {
    const notes = makeNotesWorld({
      interleave: async (point) => {
        if (point !== 'hierarchical.write:call') return;
        await notes.fenceHierarchical(2);
        await notes.finishToFlat(3);
        throw new Error('socket hang up');
      },
    });
    await underHierarchicalAuthority(notes);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'written', servedFrom: 'flat' });
  });

  test('a write that another one has replaced since is unknown, and is not sent again', async () => {
    const notes = makeNotesWorld({
      interleave: async (point) => {
        if (point !== 'hierarchical.write:reply' || lost) return;
        lost = true;
        await notes.otherGateway.write(noteKey('a'), note('a', 'of another writer'));
        throw new Error('socket hang up');
      },
    });
    let lost = false;
    await underHierarchicalAuthority(notes);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'unknown' });
    expect(await notes.gateway.read(noteKey('a'))).toMatchObject({ row: note('a', 'of another writer') });
  });

  test('a store that stays silent leaves the outcome unknown, not failed', async () => {
    const notes = makeNotesWorld({ interleave: losing('hierarchical.write:reply', 1_000), maxWaitMs: 0 });
    await underHierarchicalAuthority(notes);

    const written = await notes.gateway.write(noteKey('a'), note('a', 'one'));

    expect(written).toMatchObject({ kind: 'unknown' });
  });
});
