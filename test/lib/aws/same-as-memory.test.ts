import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { makeAuthorityStore } from '../../../lib/aws/authority-store.ts';
import { makeHierarchicalRecords } from '../../../lib/aws/hierarchical-records.ts';
import { makeQuarantineStore } from '../../../lib/aws/quarantine-store.ts';
import { makeRangeStore } from '../../../lib/aws/range-store.ts';
import { makeRelayStore } from '../../../lib/aws/relay-store.ts';
import { makeReversePendingStore } from '../../../lib/aws/reverse-pending-store.ts';
import { makeSwitchStore } from '../../../lib/aws/switch-store.ts';
import { makeTargetStore } from '../../../lib/aws/target-store.ts';
import type { HierarchicalRecords } from '../../../lib/gateway/ports.ts';
import { makeMemoryAuthorityStore } from '../../../lib/memory/authority-store.ts';
import { makeMemoryHierarchicalRecords } from '../../../lib/memory/hierarchical-records.ts';
import { makeMemoryQuarantineStore } from '../../../lib/memory/quarantine-store.ts';
import { makeMemoryRangeStore } from '../../../lib/memory/range-store.ts';
import { makeMemoryRelayStore } from '../../../lib/memory/relay-store.ts';
import { makeMemoryReversePendingStore } from '../../../lib/memory/reverse-pending-store.ts';
import { makeMemorySwitchStore } from '../../../lib/memory/switch-store.ts';
import { makeMemoryTargetStore } from '../../../lib/memory/target-store.ts';
import { makeMemoryWorld } from '../../../lib/memory/world.ts';
import { groupOf } from '../../../lib/migration/bucket.ts';
import { hal9Categories as categories } from '../../../lib/migration/hal9-definition.ts';
import type {
  AuthorityStore,
  QuarantineStore,
  RangeStore,
  RangeTask,
  RelayStore,
  ReversePendingStore,
  SwitchStore,
  TargetStore,
} from '../../../lib/migration/ports.ts';
import { startDynamo, type TestDynamo } from '../../support/dynoxide.ts';
import { aRecord } from '../../support/state-records.ts';

/** The simulation proves the protocol over the stores in memory; these laws carry the proof over to DynamoDB. */

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

interface Stores {
  readonly target: TargetStore;
  readonly authority: AuthorityStore;
  readonly hierarchical: HierarchicalRecords;
  readonly reversePending: ReversePendingStore;
  readonly ranges: RangeStore;
  readonly relay: RelayStore;
  readonly quarantine: QuarantineStore;
  readonly switches: SwitchStore;
}

type Step = (stores: Stores) => Promise<unknown>;

const clock = { nowMs: () => nowMs };
let nowMs = 0;

async function expectSameAnswers(steps: readonly Step[]): Promise<void> {
  const tables = await dynamo.createTables();
  const { client } = dynamo;
  const real: Stores = {
    target: makeTargetStore({ client, table: tables.state }),
    authority: makeAuthorityStore({ client, table: tables.authority }),
    hierarchical: makeHierarchicalRecords({ client, tables }),
    reversePending: makeReversePendingStore({ client, table: tables.reversePending }),
    ranges: makeRangeStore({ client, table: tables.progress, clock }),
    relay: makeRelayStore({ client, table: tables.progress }),
    quarantine: makeQuarantineStore({ client, table: tables.quarantine }),
    switches: makeSwitchStore({ client, table: tables.authority }),
  };
  const world = makeMemoryWorld();
  const memory: Stores = {
    target: makeMemoryTargetStore(world),
    authority: makeMemoryAuthorityStore(world),
    hierarchical: makeMemoryHierarchicalRecords(world),
    reversePending: makeMemoryReversePendingStore(world),
    ranges: makeMemoryRangeStore(world, clock),
    relay: makeMemoryRelayStore(world),
    quarantine: makeMemoryQuarantineStore(world),
    switches: makeMemorySwitchStore(world),
  };
  nowMs = 1_000;
  for (const [at, step] of steps.entries()) {
    const expected = await step(memory);
    expect({ at, answer: await step(real) }).toEqual({ at, answer: expected });
  }
}

async function checkSequences(step: fc.Arbitrary<Step>, last: readonly Step[]): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) =>
      expectSameAnswers([...steps, ...last]),
    ),
    { numRuns: 15 },
  );
}

const ids = ['a', 'b', 'c'] as const;
const id = fc.constantFrom(...ids);
const version = fc.record({
  epoch: fc.integer({ min: 1, max: 2 }),
  sequence: fc.integer({ min: 0, max: 4 }),
});
const record = fc
  .record({ id, version, isLive: fc.boolean(), expires: fc.boolean() })
  .map(({ id, version, isLive, expires }) =>
    aRecord({
      id,
      version,
      ...(isLive
        ? { body: `{"of":"${version.epoch}.${version.sequence}"}` }
        : { state: 'tombstone', body: null }),
      ...(isLive && expires ? { expiresAtS: 2_000_000_000 } : {}),
    }),
  );
const keys = ids.map((id) => aRecord({ id }).key);

test('the state table admits and keeps the same records', async () => {
  const batch = fc.uniqueArray(record, { selector: ({ key }) => key.id, minLength: 1, maxLength: 3 });
  const step = fc.tuple(batch, fc.constantFrom('insertIfAbsent', 'applyVersioned', 'repair')).map(
    ([records, write]): Step =>
      ({ target }) =>
        target[write](records),
  );

  await checkSequences(step, [({ target }) => target.read(keys), ({ target }) => scanAll(target)]);
});

async function scanAll(target: TargetStore): Promise<unknown> {
  const found = [];
  for (let segment = 0; segment < 3; segment += 1) {
    let cursor: string | null = null;
    do {
      const page = await target.scan({ segment, segmentCount: 3, cursor, limit: 2 });
      found.push(...page.records);
      cursor = page.cursor;
    } while (cursor !== null);
  }
  return found.toSorted((left, right) => (left.key.id < right.key.id ? -1 : 1));
}

test('hierarchical writes pass the same guards and leave the same reverse work', async () => {
  const category = 'user-sessions';
  const epoch = fc.integer({ min: 1, max: 4 });
  const write = fc.record({ id, epoch, sequence: fc.integer({ min: 1, max: 3 }), seen: fc.option(version) });
  let writeCount = 0;
  const step: fc.Arbitrary<Step> = fc.oneof(
    write.map(({ id, epoch, sequence, seen }): Step => {
      writeCount += 1;
      // Of its own content: the same one again is a repetition, which the real store answers as the first time.
      const body = `{"write":${writeCount}}`;
      const record = aRecord({ id, version: { epoch, sequence }, origin: 'hierarchical', body });
      const guard = { group: groupOf(record.key), expected: seen };
      return ({ hierarchical }) => hierarchical.write(record, guard);
    }),
    epoch.map(
      (epoch): Step =>
        ({ authority }) =>
          authority.fence(category, epoch),
    ),
    fc.record({ id, version }).map(({ id, version }): Step => ({ reversePending }) => {
      const { key } = aRecord({ id });
      return reversePending.remove({ key, category, group: groupOf(key), version });
    }),
  );
  const opened: Step[] = [
    ({ authority }) => authority.initialize(category, 1),
    ({ authority }) => authority.open(category, 'hierarchical', 2),
  ];
  const moved: Step[] = [
    ({ authority }) => authority.fence(category, 2),
    ({ authority }) => authority.open(category, 'flat', 3),
    ({ authority }) => authority.open(category, 'hierarchical', 2),
    ({ authority }) => authority.unfence(category, 2),
    ({ authority }) => authority.readAll(category),
    ({ reversePending }) => reversePending.count(category),
    ...keys.map(
      (key): Step =>
        ({ reversePending }) =>
          reversePending.list(category, groupOf(key), 10),
    ),
    ...keys.map(
      (key): Step =>
        ({ hierarchical }) =>
          hierarchical.read(key),
    ),
  ];

  await fc.assert(
    fc.asyncProperty(fc.array(fenceOnlyAtTwo(step), { minLength: 1, maxLength: 30 }), (steps) =>
      expectSameAnswers([...opened, ...steps, ...moved]),
    ),
    { numRuns: 12 },
  );
});

/** A fence of an epoch that has not begun is refused with an error by the real store; nobody asks for one. */
function fenceOnlyAtTwo(step: fc.Arbitrary<Step>): fc.Arbitrary<Step> {
  return step.map(
    (run): Step =>
      (stores) =>
        run({
          ...stores,
          authority: {
            ...stores.authority,
            fence: (category, epoch) => stores.authority.fence(category, Math.min(epoch, 2)),
          },
        }),
  );
}

function rangeTask(index: 1 | 2): RangeTask {
  const border = ['k|1', 7n];
  const range = index === 1 ? { after: null, upTo: border } : { after: border, upTo: null };
  const recordType = 'session';
  return {
    runId: 'run',
    rangeId: `run/${recordType}/${index}`,
    category: 'user-sessions',
    recordType,
    range,
  };
}

test('ranges are leased, advanced and completed by the same holders', async () => {
  const counts = { read: 3, written: 2, kept: 1, quarantined: 0 };
  const rangeId = fc.constantFrom('run/session/1', 'run/session/2', 'run/session/unknown');
  const fence = fc.integer({ min: 1, max: 3 });
  let position = 0n;
  const step: fc.Arbitrary<Step> = fc.oneof(
    rangeId.map(
      (id): Step =>
        ({ ranges }) =>
          ranges.acquire(id, 'worker', 100),
    ),
    fc.tuple(rangeId, fence).map(([id, fence]): Step => {
      position += 1n;
      const at = position;
      return ({ ranges }) => ranges.checkpoint(id, fence, [at], counts, 100);
    }),
    fc.tuple(rangeId, fence).map(
      ([id, fence]): Step =>
        ({ ranges }) =>
          ranges.release(id, fence),
    ),
    fc.constant<Step>(() => {
      nowMs += 30;
      return Promise.resolve();
    }),
  );
  const planned: Step[] = [
    ({ ranges }) => ranges.currentRun(),
    ({ ranges }) => ranges.startRun('run'),
    ({ ranges }) => ranges.plan([rangeTask(1)]),
    ({ ranges }) => ranges.plan([rangeTask(1), rangeTask(2)]),
    ({ ranges }) => ranges.plannedRangeCount('run', 'session'),
    ({ ranges }) => ranges.closePlan('run', 'session', 2),
  ];
  const finished: Step[] = [
    ({ ranges }) => ranges.complete('run/session/1', 1, counts),
    ({ ranges }) => ranges.acquire('run/session/1', 'worker', 100),
    ({ ranges }) => ranges.plannedRangeCount('run', 'session'),
    ({ ranges }) => ranges.currentRun(),
    ({ ranges }) => listAll(ranges),
  ];

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) =>
      expectSameAnswers([...planned, ...steps, ...finished]),
    ),
    { numRuns: 12 },
  );
});

async function listAll(ranges: RangeStore): Promise<unknown> {
  const found = [];
  let cursor: string | null = null;
  do {
    const page = await ranges.list('run', 'session', cursor);
    found.push(...page.ranges);
    cursor = page.cursor;
  } while (cursor !== null);
  return found.toSorted((left, right) => (left.rangeId < right.rangeId ? -1 : 1));
}

test('relay cursors and open batches move alike', async () => {
  const category = fc.constantFrom(...categories.slice(0, 2));
  const sequence = fc.integer({ min: 0, max: 12 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc
      .tuple(category, fc.integer({ min: 1, max: 5 }))
      .map(([category, length]): Step => async ({ relay }) => {
        const afterSequence = await relay.cursor(category);
        const throughSequence = afterSequence + length;
        return relay.begin({ category, afterSequence, throughSequence, sentAtMs: 5 });
      }),
    fc.tuple(category, sequence).map(([category, afterSequence]): Step => async ({ relay }) => {
      // A relay with an outdated view: refused unless it happens to be right.
      const throughSequence = Math.max(afterSequence + 1, (await relay.cursor(category)) + 1);
      return relay.begin({ category, afterSequence, throughSequence, sentAtMs: 6 });
    }),
    fc.tuple(category, sequence).map(
      ([category, through]): Step =>
        ({ relay }) =>
          relay.finish(category, through),
    ),
    category.map(
      (category): Step =>
        ({ relay }) =>
          relay.pending(category, 3),
    ),
  );

  await checkSequences(
    step,
    categories
      .slice(0, 2)
      .flatMap((category): Step[] => [
        ({ relay }) => relay.cursor(category),
        ({ relay }) => relay.pending(category, 100),
      ]),
  );
});

test('switches of a category begin and advance alike', async () => {
  const stage = fc.constantFrom('fencing', 'draining', 'opening', 'done', 'aborted');
  const switchRecord = fc.record({
    category: fc.constant('metadata' as const),
    to: fc.constantFrom('flat', 'hierarchical'),
    epoch: fc.integer({ min: 2, max: 4 }),
    stage,
    requestedBy: fc.constant('operator'),
    startedAtMs: fc.constant(1),
    fencedAtMs: fc.option(fc.constant(2)),
    openedAtMs: fc.constant(null),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    switchRecord.map(
      (record): Step =>
        ({ switches }) =>
          switches.begin({ ...record, stage: 'fencing' }),
    ),
    fc.tuple(switchRecord, stage).map(
      ([record, from]): Step =>
        ({ switches }) =>
          switches.advance(record, from),
    ),
  );

  await checkSequences(step, [({ switches }) => switches.current('metadata')]);
});

test('quarantine lists and counts the same unresolved rows', async () => {
  let sequence = 0;
  const step: fc.Arbitrary<Step> = fc.tuple(id, fc.boolean()).map(([id, isFault]): Step => {
    sequence += 1;
    const { key, category } = aRecord({ id });
    const version = { epoch: 1, sequence };
    const fault = { errorName: 'InvalidJson', errorMessage: `at ${sequence}`, rawRow: '{}' };
    return ({ quarantine }) =>
      isFault
        ? quarantine.put({ key, category, version, ...fault, rawLengthBytes: 2, firstSeenAtMs: 1 })
        : quarantine.resolve(key, category, version);
  });

  await checkSequences(step, [
    ({ quarantine }) => quarantine.count('user-sessions'),
    ({ quarantine }) => quarantine.count('metadata'),
    ({ quarantine }) => listQuarantine(quarantine),
  ]);
});

async function listQuarantine(quarantine: QuarantineStore): Promise<unknown> {
  const found = [];
  let cursor: string | null = null;
  do {
    const page = await quarantine.list('user-sessions', cursor, 1);
    found.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== null);
  // The real store counts attempts across a resolution, which only adds to what an operator sees.
  return found
    .map(({ attempts: _attempts, ...entry }) => entry)
    .toSorted((left, right) => (left.key.id < right.key.id ? -1 : 1));
}
