import { canonicalJson } from '../../lib/kernel/canonical-json.ts';
import type { Category } from '../../lib/migration/category.ts';
import { decodeKey, keyOfPk, recordPk } from '../../lib/migration/key.ts';
import type { RangeState, RangeStore } from '../../lib/migration/ports.ts';
import type { RecordVersion, TargetRecord } from '../../lib/migration/record.ts';
import { isCanary } from '../../lib/migration/reverse-canary.ts';
import type { FlatRow, KeyPart } from '../../lib/migration/row.ts';
import { tableOf, type MigratedTable } from '../../lib/migration/table-lookup.ts';
import type { FlatStore } from '../../lib/memory/flat-store.ts';
import { compareKeyParts } from '../../lib/memory/key-order.ts';
import type { MemoryWorld } from '../../lib/memory/world.ts';

/** Watches every change of the stores while a migration runs. Knows the rules itself, and none of the product's. */
export interface Invariants {
  readonly violations: string[];
  /** Counts, at this instant, every key of the flat store: each is verified, quarantined, tombstoned or pending. */
  checkAccounting(): void;
  /** After everything has settled: both sides hold the same. */
  checkConverged(): void;
  /** A fault of the program itself, as opposed to what the network and the stores do to it. */
  noticeError(this: void, error: unknown): void;
  /** The record was damaged on purpose; until its next write nothing is expected of it. */
  damaged(pk: string): void;
}

export function watchInvariants(world: MemoryWorld, store: FlatStore): Invariants {
  const violations: string[] = [];
  const versions = new Map<string, TargetRecord>();
  const damaged = new Set<string>();
  const violate = (text: string): void => {
    if (violations.length < 20) violations.push(text);
  };

  const forward = world.onRecordPut;
  world.onRecordPut = (pk, record) => {
    if (isCanary(record.key)) {
      forward(pk, record);
      return;
    }
    const last = versions.get(pk);
    if (last !== undefined && isOlder(record.version, last.version)) {
      violate(`I1: ${pk} went from ${show(last)} back to ${show(record)}`);
    }
    versions.set(pk, record);
    damaged.delete(pk);
    if (record.origin === 'hierarchical') checkAuthority(pk, record);
    forward(pk, record);
  };
  const remove = world.records.delete.bind(world.records);
  world.records.delete = (pk) => {
    if (!isCanary(keyOfPk(pk))) violate(`I1: ${pk} lost its version by a physical delete`);
    return remove(pk);
  };

  const checkAuthority = (pk: string, record: TargetRecord): void => {
    const flat = store.authorities.get(record.category);
    if (flat?.state === 'following' && flat.epoch === record.version.epoch) return;
    violate(`single authority: ${pk} was written as ${show(record)} while flat was ${JSON.stringify(flat)}`);
  };
  watchRanges(world, store, violate);
  watchFlatLog(world, store, violate);

  return {
    violations,
    checkAccounting() {
      for (const [category, authority] of store.authorities) {
        if (authority.state === 'following') continue;
        checkCategoryAccounting(world, store, category, (pk, problem) => {
          if (!damaged.has(pk)) violate(`I8: ${pk} is neither on the target nor pending: ${problem}`);
        });
      }
    },
    checkConverged() {
      checkRowsArrived(world, store, violate);
      checkNothingExtra(world, store, violate);
    },
    noticeError(error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (programFault.test(text)) violate(`program: ${text}`);
    },
    damaged: (pk) => void damaged.add(pk),
  };
}

const programFault = /is not defined|is not a function|Cannot read propert/;

type Violate = (text: string) => void;

function isOlder(left: RecordVersion, right: RecordVersion): boolean {
  return left.epoch < right.epoch || (left.epoch === right.epoch && left.sequence < right.sequence);
}

function show({ version, state }: TargetRecord): string {
  return `${state} (${version.epoch},${version.sequence})`;
}

/** I7: one fence holder at a time moves a cursor, forward, and everything it passes is on the target. */
function watchRanges(world: MemoryWorld, store: FlatStore, violate: Violate): void {
  const set = world.ranges.set.bind(world.ranges);
  world.ranges.set = (rangeId, next) => {
    const last = world.ranges.get(rangeId);
    if (last !== undefined) {
      checkCursor(last, next, violate);
      if (next.after !== last.after || next.state === 'complete') checkCopied(world, store, next, violate);
    }
    return set(rangeId, next);
  };
}

/** I7, seen from outside: whoever lost the fence before asking must be refused. */
export function watchFences(ranges: RangeStore, world: MemoryWorld, violations: string[]): RangeStore {
  const watched = async (
    rangeId: string,
    fence: number,
    change: () => Promise<boolean>,
  ): Promise<boolean> => {
    const present = world.ranges.get(rangeId)?.fence ?? 0;
    const accepted = await change();
    if (accepted && present > fence)
      violations.push(`I7: fence ${fence} of ${rangeId} was accepted after ${present}`);
    return accepted;
  };
  return {
    ...ranges,
    checkpoint: (rangeId, fence, after, counts, leaseMs) =>
      watched(rangeId, fence, () => ranges.checkpoint(rangeId, fence, after, counts, leaseMs)),
    complete: (rangeId, fence, counts) =>
      watched(rangeId, fence, () => ranges.complete(rangeId, fence, counts)),
  };
}

function checkCursor(last: RangeState, next: RangeState, violate: Violate): void {
  if (last.state === 'complete') violate(`I7: ${next.rangeId} changed after it was complete`);
  if (next.fence < last.fence) violate(`I7: the fence of ${next.rangeId} went back`);
  if (next.after !== last.after && isBefore(next.after, last.after)) {
    violate(`I7: the cursor of ${next.rangeId} went back`);
  }
}

function isBefore(left: readonly KeyPart[] | null, right: readonly KeyPart[] | null): boolean {
  if (right === null) return false;
  return left === null || compareKeyParts(left, right) < 0;
}

/** Rows that never changed have only the copy to bring them over. */
function checkCopied(world: MemoryWorld, store: FlatStore, range: RangeState, violate: Violate): void {
  const upTo = range.state === 'complete' ? range.range.upTo : range.after;
  for (const [id, { keyParts }] of store.tables.get(range.recordType)?.rows ?? []) {
    const pk = recordPk({ recordType: range.recordType, id });
    const isPassed =
      isBefore(range.range.after, keyParts) && (upTo === null || compareKeyParts(keyParts, upTo) <= 0);
    if (isPassed && !store.versions.has(pk) && !world.records.has(pk)) {
      violate(`I7: ${range.rangeId} passed ${pk}, which is not on the target`);
    }
  }
}

/** Single authority: while flat takes a write, no item lets the hierarchical side take one of the same epoch or later. */
function watchFlatLog(world: MemoryWorld, store: FlatStore, violate: Violate): void {
  for (const [category, log] of store.logs) {
    const push = log.push.bind(log);
    log.push = (...entries) => {
      const epoch = store.authorities.get(category)?.epoch ?? 0;
      for (const item of world.authority.values()) {
        if (item.category !== category || item.side !== 'hierarchical' || item.fenced) continue;
        if (item.epoch >= epoch)
          violate(`single authority: ${category} is written on both sides at epoch ${epoch}`);
      }
      return push(...entries);
    };
  }
}

/** I8, from the stores alone. A key that neither is right nor has a change on its way is lost. */
function checkCategoryAccounting(
  world: MemoryWorld,
  store: FlatStore,
  category: Category,
  found: (pk: string, problem: string) => void,
): void {
  const applied = appliedThrough(world, category);
  for (const table of store.definition.tables) {
    if (table.category !== category) continue;
    for (const [id, { row }] of store.tables.get(table.recordType)?.rows ?? []) {
      const pk = recordPk({ recordType: table.recordType, id });
      const version = store.versions.get(pk);
      const isOnItsWay = version === undefined ? !world.records.has(pk) : version.sequence > applied;
      const problem = isOnItsWay ? null : problemOf(world.records.get(pk), row, table);
      if (problem !== null) found(pk, problem);
    }
  }
}

function appliedThrough(world: MemoryWorld, category: Category): number {
  const cursor = world.relayCursors.get(category) ?? 0;
  const open = (world.relayBatches.get(category) ?? []).map(({ afterSequence }) => afterSequence);
  return Math.min(cursor, ...open);
}

function problemOf(record: TargetRecord | undefined, row: FlatRow, table: MigratedTable): string | null {
  if (record === undefined) return 'missing';
  const body = bodyOf(row, table);
  // Where bodies of any size have a place they are exact; where they have none they are in quarantine.
  if (body !== null && body.length > largestItem && record.state === 'quarantined') return null;
  if (body === null) return record.state === 'quarantined' ? null : `${show(record)}, not in quarantine`;
  if (record.body === body) return null;
  return `${show(record)} with other content`;
}

/** What the target has to hold for a row; null when it can hold nothing. */
function bodyOf(row: FlatRow, { transform }: MigratedTable): string | null {
  try {
    const conversion = transform.convert(row, { nowMs: 0 });
    return conversion.kind === 'rejected' ? null : canonicalJson(conversion.record.body);
  } catch {
    return null;
  }
}

const largestItem = 380_000;

function checkRowsArrived(world: MemoryWorld, store: FlatStore, violate: Violate): void {
  for (const table of store.definition.tables) {
    const following = store.authorities.get(table.category)?.state === 'following';
    for (const [id, { row }] of store.tables.get(table.recordType)?.rows ?? []) {
      const pk = recordPk({ recordType: table.recordType, id });
      const problem = problemOf(world.records.get(pk), row, table);
      if (problem !== null)
        violate(`I3: ${pk} (${following ? 'hierarchical' : 'flat'} authority) is ${problem}`);
      const isQuarantined = world.records.get(pk)?.state === 'quarantined';
      if (isQuarantined !== world.quarantine.has(pk))
        violate(`quarantine entry and marker of ${pk} disagree`);
    }
  }
}

/** I2 as well: what was deleted is a tombstone. */
function checkNothingExtra(world: MemoryWorld, store: FlatStore, violate: Violate): void {
  for (const [pk, record] of world.records) {
    const key = keyOfPk(pk);
    if (isCanary(key)) continue;
    const hasRow = store.tables.get(key.recordType)?.rows.has(key.id) ?? false;
    if (!hasRow && record.state !== 'tombstone') {
      violate(`I2: ${pk} is ${show(record)}, flat has no row ${decodeKey(key.id).join(',')}`);
    }
    if (record.category !== tableOf(store.definition, key.recordType).category) violate(`category of ${pk}`);
  }
  for (const pk of world.quarantine.keys()) {
    if (world.records.get(pk)?.state !== 'quarantined') violate(`quarantine entry of ${pk} without marker`);
  }
}
