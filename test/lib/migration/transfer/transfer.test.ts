import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { makeHandler } from '../../../../functions/transfer-records/handler.ts';
import { makeMigrationIdentity } from '../../../../lib/aws/migration-identity.ts';
import { makeMemoryLargeBodies } from '../../../../lib/memory/large-bodies.ts';
import { hal9Definition } from '../../../../lib/migration/hal9-definition.ts';
import { keyOfPk } from '../../../../lib/migration/key.ts';
import type { StoredRecord } from '../../../../lib/migration/record.ts';
import type { ExportBegin, RowPage } from '../../../../lib/migration/transfer/export-rows.ts';
import type { ImportAnswer } from '../../../../lib/migration/transfer/import-records.ts';
import { encodeRecordLine } from '../../../../lib/migration/transfer/record-line.ts';
import {
  receiveLine,
  sendLine,
  type TravellingLine,
} from '../../../../lib/migration/transfer/text-pieces.ts';
import { makeTransformLine } from '../../../../lib/migration/transfer/transform-line.ts';
import type { TransferOrigin } from '../../../../lib/migration/transfer/transfer-manifest.ts';
import { makeCopiedStore, type CopiedStore } from '../../../support/copied-store.ts';
import { startDynamo, type TestDynamo } from '../../../support/dynoxide.ts';
import { flatEngines, startFlatEngine, type FlatEngine } from '../../../support/flat-engines.ts';

const category = 'learning-data';

let dynamo: TestDynamo;
let store: CopiedStore;
let handler: ReturnType<typeof makeHandler>;

async function openStore(engine: FlatEngine): Promise<void> {
  store = await makeCopiedStore(dynamo, engine, 400);
  const { deps, client, tables } = store;
  const identity = makeMigrationIdentity({ client, table: tables.progress });
  const bodies = makeMemoryLargeBodies(deps);
  handler = makeHandler({ ...deps, identity, bodies, timeBudgetMs: 60_000 });
  await deps.source.installChangeLog();
}

async function exported(): Promise<{ readonly origin: TransferOrigin; readonly lines: readonly string[] }> {
  const begun = (await handler({ action: 'begin-export', category, versioned: true })) as ExportBegin;
  const origin = begun.origin!;
  const lines: string[] = [];
  let cursor: string | null = null;
  do {
    const page = (await handler({ action: 'export', category, side: 'flat', cursor })) as RowPage;
    for (const line of page.lines) {
      lines.push(
        await receiveLine(line, async (name) => {
          return ((await handler({ action: 'piece', name })) as { piece: string }).piece;
        }),
      );
    }
    ({ cursor } = page);
  } while (cursor !== null);
  return { origin, lines };
}

const transform = makeTransformLine(hal9Definition, { nowMs: Date.now(), restoreEach: true });

function transformed(lines: readonly string[]) {
  const made = lines.map(transform);
  return {
    records: made.flatMap((line) => (line.kind === 'record' ? [line.line] : [])),
    rejected: made.flatMap((line) => (line.kind === 'rejected' ? [line] : [])),
  };
}

async function imported(
  origin: TransferOrigin,
  lines: readonly TravellingLine[],
  dryRun = false,
): Promise<ImportAnswer> {
  return (await handler({ action: 'import', origin, lines, dryRun })) as ImportAnswer;
}

async function storedRecord(pk: string): Promise<StoredRecord | undefined> {
  return (await store.deps.target.read([keyOfPk(pk)])).get(pk);
}

const pkOf = (line: string): string => (JSON.parse(line) as { k: string }).k;
const idOf = (pk: string): string => keyOfPk(pk).id;

const anyRow = 'id = (SELECT min(id) FROM flat_learning)';
const change = (pk: string): string =>
  `UPDATE flat_learning SET access_count = 777 WHERE id = '${idOf(pk)}';`;
const remove = (pk: string): string => `DELETE FROM flat_learning WHERE id = '${idOf(pk)}';`;

async function putPiece(piece: string): Promise<string> {
  return ((await handler({ action: 'put-piece', piece })) as { name: string }).name;
}

describe.each(flatEngines)('learning data of %s that is exported, transformed and imported', (name) => {
  let engine: FlatEngine;
  beforeAll(async () => {
    [dynamo, engine] = await Promise.all([startDynamo(), startFlatEngine(name)]);
  });
  afterAll(() => Promise.all([dynamo.stop(), engine.stop()]));
  beforeEach(() => openStore(engine));
  afterEach(() => store.close());

  test('is what the copy would have written, and what the copy finds there', async () => {
    const { origin, lines } = await exported();
    const { records, rejected } = transformed(lines);
    const planned = await imported(origin, records, true);
    const first = await imported(origin, records);
    const again = await imported(origin, records);
    const before = await storedRecord(pkOf(records[0]!));
    await store.copy(category);

    expect(lines.length).toBe(await store.deps.source.countRows('learning'));
    expect(rejected.map(({ errorName }) => errorName)).toEqual(['InvalidJson']);
    expect(planned).toEqual({ taken: records.length, written: records.length, kept: 0, stopped: false });
    expect(first).toEqual(planned);
    expect(again).toEqual({ ...planned, written: 0, kept: records.length });
    expect(before).toMatchObject({ intact: true, state: 'live', version: origin.watermark });
    expect(await storedRecord(pkOf(records[0]!))).toEqual(before);
  });

  test('never replaces a live change that came between, whether it was carried over before or after', async () => {
    const { origin, lines } = await exported();
    const { records } = transformed(lines);
    const [early, late, gone, goneLate] = records.slice(0, 4).map(pkOf) as [string, string, string, string];

    await store.execute(change(early) + remove(gone));
    await store.relay(category);
    const live = await storedRecord(early);
    await store.execute(change(late) + remove(goneLate));
    await imported(origin, records);

    expect(live?.body).toContain('"access_count":777');
    expect(await storedRecord(early)).toEqual(live);
    expect(await storedRecord(gone)).toMatchObject({ state: 'tombstone' });

    await store.relay(category);

    expect((await storedRecord(late))?.body).toContain('"access_count":777');
    expect(await storedRecord(goneLate)).toMatchObject({ state: 'tombstone' });
  });

  test('carries rows that are changed while they are exported at their own version', async () => {
    await store.execute(`UPDATE flat_learning SET access_count = 5 WHERE ${anyRow}`);
    const { origin, lines } = await exported();
    const own = lines.filter((line) => !line.includes('"v":null'));

    await imported(origin, transformed(own).records);

    expect(own).toHaveLength(1);
    const record = await storedRecord(pkOf(own[0]!));
    expect(record?.version.sequence).toBe(origin.watermark.sequence);
  });

  test('is refused after a switch, from another migration, and from ahead of the change log', async () => {
    const { origin, lines } = await exported();
    const { records } = transformed(lines);
    const refused = (claimed: TransferOrigin): Promise<unknown> =>
      imported(claimed, records).then(
        () => null,
        (fault: unknown) => fault,
      );

    expect(await refused({ ...origin, migrationId: 'another' })).toMatchObject({ name: 'ImportForeign' });
    expect(await refused({ ...origin, definition: 'another' })).toMatchObject({ name: 'ImportForeign' });
    expect(
      await refused({ ...origin, watermark: { epoch: 1, sequence: origin.watermark.sequence + 1 } }),
    ).toMatchObject({ name: 'ImportForeign' });
    await store.deps.source.fence(category, 1);
    expect(await refused(origin)).toMatchObject({ name: 'ImportOutdated' });
    await store.deps.source.follow(category, 2);
    expect(await refused(origin)).toMatchObject({ name: 'ImportOutdated' });
    await store.deps.source.open(category, 3);
    expect(await refused(origin)).toMatchObject({
      name: 'ImportOutdated',
      message: expect.stringContaining('it was at epoch 1, now it is at 3') as unknown,
    });
    expect(await storedRecord(pkOf(records[0]!))).toBeUndefined();
  });

  test.each([
    ['one changed character', (line: string) => line.replace('"kind"', '"kine"')],
    [
      'a record that no transform makes',
      (line: string) =>
        encodeRecordLine({ key: keyOfPk(pkOf(line)), version: null, body: '{"learning_id":"x"}' }),
    ],
    [
      'a record of another category',
      () => encodeRecordLine({ key: keyOfPk('session/s'), version: null, body: '{}' }),
    ],
  ])('is refused with %s', async (_what, damage) => {
    const { origin, lines } = await exported();
    const [first] = transformed(lines).records as [string];

    await expect(imported(origin, [damage(first)])).rejects.toMatchObject({ name: 'ImportDamaged' });
    expect(await storedRecord(pkOf(first))).toBeUndefined();
  });

  test('may be longer than a call of a function', async () => {
    const payload = `"${'é'.repeat(1_500_000)}"`;
    await store.execute(`UPDATE flat_learning SET payload = '${payload}' WHERE ${anyRow}`);
    const { origin, lines } = await exported();
    const { records } = transformed(lines.filter((line) => line.length > 1_000_000));
    const bodies = makeMemoryLargeBodies({ clock: store.deps.clock });
    const sent = await sendLine(records[0]!, (piece) => bodies.put(piece));

    expect(records).toHaveLength(1);
    expect(sent).toMatchObject({ pieces: [expect.any(String), expect.any(String)] });
    expect(await imported(origin, [await sendLine(records[0]!, putPiece)], true)).toMatchObject({
      written: 1,
    });
  });
});

test('a text is cut between characters only', async () => {
  const { piecesOf } = await import('../../../../lib/migration/transfer/text-pieces.ts');
  const text = `a${'\u{1F9E0}'.repeat(5)}`;

  const pieces = [...piecesOf(text, 2)];

  expect(pieces.join('')).toBe(text);
  expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
});
