import { randomInt, seededRandom } from '../../../lib/kernel/random.ts';
import { makeMemoryFlatSource } from '../../../lib/memory/flat-source.ts';
import { makeFlatStore, writeRow } from '../../../lib/memory/flat-store.ts';
import { makeMemoryQuarantineStore } from '../../../lib/memory/quarantine-store.ts';
import { makeMemoryRelayStore } from '../../../lib/memory/relay-store.ts';
import { makeMemoryTargetStore } from '../../../lib/memory/target-store.ts';
import { makeMemoryWorld, putRecord } from '../../../lib/memory/world.ts';
import { makeApplyChanges } from '../../../lib/migration/apply-changes.ts';
import { compareRecord } from '../../../lib/migration/compare-record.ts';
import { recordPk } from '../../../lib/migration/key.ts';
import type { ChangeMessage, FlatSource, SourceImage, TargetStore } from '../../../lib/migration/ports.ts';
import { isIntact, sealRecord } from '../../../lib/migration/record-hash.ts';
import { compareVersions } from '../../../lib/migration/record.ts';
import { makeRelayChanges } from '../../../lib/migration/relay-changes.ts';
import { makeRepairKeys } from '../../../lib/migration/repair-keys.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { backfillImages } from '../../../lib/migration/write-images.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { sessionKey } from './migration-in-memory.ts';

const category = 'user-sessions';
const ids = ['a', 'b', 'stray'];
const keys = ids.map(sessionKey);
const table = tableOf(smallDefinition, 'session');

interface Stores {
  readonly source: FlatSource;
  readonly target: TargetStore;
}

/** Replaces what the repairers are given; null leaves it. `put` writes without a condition. */
export type Sabotage = ((stores: Stores, put: TargetStore['repair']) => Stores) | null;

type Race = ReturnType<typeof makeRace>;

/** One small system of which every wait is ended by `go`. */
function makeRace(seed: number, sabotage: Sabotage) {
  const random = seededRandom(seed);
  const waiting: (() => void)[] = [];
  const state = { isFree: true, isOpen: true };
  const interleave = (): Promise<void> =>
    state.isFree ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve));
  const world = makeMemoryWorld();
  const store = makeFlatStore(smallDefinition);
  const messages: ChangeMessage[] = [];
  const source = makeMemoryFlatSource(store, interleave);
  const target = makeMemoryTargetStore(world, interleave);
  const blind: TargetStore['repair'] = async (records) => {
    await interleave();
    for (const record of records) putRecord(world, recordPk(record.key), record);
    return records.map(() => 'written');
  };
  const deps = {
    definition: smallDefinition,
    source,
    target,
    quarantine: makeMemoryQuarantineStore(world, interleave),
    relay: makeMemoryRelayStore(world, interleave),
    clock: { nowMs: () => 1_000_000 },
    queue: { send: async (message: ChangeMessage): Promise<void> => void messages.push(message) },
  };
  return {
    ...deps,
    deps,
    random,
    state,
    interleave,
    world,
    store,
    messages,
    violations: new Array<string>(),
    relayChanges: makeRelayChanges({ ...deps, batchEntries: 1 + randomInt(random, 3) }),
    applyChanges: makeApplyChanges(deps),
    repairKeys: makeRepairKeys({ ...deps, ...sabotage?.({ source, target }, blind) }),
    /** Lets somebody go on who waits. */
    go: async (): Promise<void> => {
      for (let turn = 0; turn < 12 && waiting.length < 2 && state.isOpen; turn += 1) await Promise.resolve();
      waiting.splice(randomInt(random, Math.max(1, waiting.length)), 1)[0]?.();
    },
  };
}

/** Copied rows, some of them damaged or gone, and sometimes a record that flat never had. */
async function prepare(race: Race): Promise<void> {
  const { deps, store, world, random, violations } = race;
  for (const id of ['a', 'b']) writeRow(store, table, id, { id, payload: 'payload 0' });
  store.installed = true;
  const first = await deps.source.readCurrent(category, keys.slice(0, 2));
  await backfillImages(deps, first.images, first.lowWatermark);
  for (const [pk, record] of world.records) {
    if (random.next() < 0.4) world.records.set(pk, { ...record, body: '{"damaged":true}' });
    else if (random.next() < 0.2) world.records.delete(pk);
  }
  if (random.next() < 0.5) {
    const stray = { key: keys[2]!, category, version: { epoch: 1, sequence: 0 }, body: '{}' };
    world.records.set('session/stray', sealRecord({ ...stray, state: 'live', origin: 'flat' }));
  }
  const newest = new Map([...world.records].map(([pk, { version }]) => [pk, version]));
  world.onRecordPut = (pk, record) => {
    const before = newest.get(pk);
    if (before !== undefined && compareVersions(record.version, before) < 0) {
      violations.push(`${pk} went back from ${JSON.stringify(before)} to ${JSON.stringify(record.version)}`);
    }
    newest.set(pk, record.version);
  };
}

/** Writes, and sends what was logged; deliveries come late and twice. */
async function writeAndRelay(race: Race, late: Promise<unknown>[]): Promise<void> {
  const { random, store, interleave, messages, applyChanges } = race;
  for (let step = 1; step <= 3; step += 1) {
    await interleave();
    const id = ids[randomInt(random, 2)]!;
    const row = random.next() < 0.3 ? null : { id, payload: `payload ${step}` };
    if (store.authorities.get(category)?.state === 'open') writeRow(store, table, id, row);
    await race.relayChanges(category);
    for (const message of messages.splice(0)) {
      late.push(applyChanges(message));
      if (random.next() < 0.3) late.push(interleave().then(() => applyChanges(message)));
    }
  }
}

async function drain({ relayChanges, applyChanges, messages }: Race): Promise<void> {
  while (!(await relayChanges(category)).caughtUp);
  for (const message of messages.splice(0)) await applyChanges(message);
}

async function moveAuthority(race: Race): Promise<void> {
  await race.interleave();
  if (!(await race.source.fence(category, 1)).fenced) return;
  await drain(race);
  await race.source.follow(category, 2);
  const version = { epoch: 2, sequence: 1 };
  const written = { key: keys[0]!, category, version, body: '{"id":"a","payload":"theirs"}' };
  putRecord(race.world, 'session/a', sealRecord({ ...written, state: 'live', origin: 'hierarchical' }));
}

async function judge(race: Race, isJudged: (image: SourceImage) => boolean): Promise<void> {
  const { images } = await race.source.readCurrent(category, keys);
  for (const { key, row } of images.filter(isJudged)) {
    const record = race.world.records.get(recordPk(key));
    const stored = record === undefined ? undefined : { ...record, intact: isIntact(record) };
    const verdict = compareRecord({ row, stored }, table, { nowMs: 1_000_000, authority: 'flat' });
    if (!['verified', 'tombstoned', 'absent'].includes(verdict))
      race.violations.push(`${key.id} is ${verdict}`);
  }
}

/**
 * One race: two repairers against a writer, the relay, repeated and late deliveries, and sometimes a change of the
 * authority. Who goes on at each point where a real adapter waits is drawn from the seed. Returns what went wrong.
 */
export async function raceRepair(seed: number, sabotage: Sabotage): Promise<readonly string[]> {
  const race = makeRace(seed, sabotage);
  const { violations, state, interleave, repairKeys } = race;
  await prepare(race);

  state.isFree = false;
  const late: Promise<unknown>[] = [];
  const actors: Promise<unknown>[] = [
    repairKeys(category, keys),
    interleave().then(() => repairKeys(category, keys)),
    writeAndRelay(race, late),
    ...(race.random.next() < 0.2 ? [moveAuthority(race)] : []),
  ];
  void Promise.allSettled(actors)
    .then(() => Promise.allSettled(late))
    .then(() => {
      state.isOpen = false;
    });
  while (state.isOpen) await race.go();
  state.isFree = true;
  for (const ended of await Promise.allSettled([...actors, ...late])) {
    if (ended.status === 'rejected') violations.push(String(ended.reason));
  }

  await drain(race);
  if (race.store.authorities.get(category)?.state === 'following') {
    const theirs = race.world.records.get('session/a');
    if (theirs?.origin !== 'hierarchical') violations.push('a write of the new authority was overwritten');
    return violations;
  }
  await judge(race, ({ version }) => version !== null);
  // A key that changed while it was read was left alone: what no change came by may need one more repair.
  await repairKeys(category, keys);
  await judge(race, () => true);
  return violations;
}
