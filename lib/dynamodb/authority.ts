import { randomUUID } from 'node:crypto';

import { number, text } from '../aws/attributes.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { moveFlat } from '../migration/admission.ts';
import type { Category } from '../migration/category.ts';
import type { FlatAuthority, FlatSource } from '../migration/ports.ts';
import { removeBarriers } from './barriers.ts';
import { drainUntilProven } from './drain-streams.ts';
import type { FlatStore } from './flat-store.ts';
import { itemAt, writerGroups, writersKey, type LogState } from './log-items.ts';
import type { StreamLogger } from './log-streams.ts';
import {
  advanceLog,
  authorityCheck,
  authorityMove,
  firstAuthority,
  readAuthority,
  requireState,
  transact,
  type CategoryState,
} from './log-state.ts';
import { requireSettled } from './require-settled.ts';

type AuthorityMethods = Pick<FlatSource, 'authority' | 'fence' | 'unfence' | 'follow' | 'open'>;

/**
 * One item per category says who has authority; some more, which follow it, are what writers look at. Each change of
 * those looks at the first in its transaction, so that none that comes late undoes what came after it.
 */
export function makeAuthorityMethods(store: FlatStore, logger: StreamLogger): AuthorityMethods {
  return {
    authority: async (category) => (await readAuthority(store, category)) ?? firstAuthority,

    async fence(category, epoch) {
      const [open, fenced] = [at(epoch, 'open'), at(epoch, 'fenced')];
      if (!(await move(store, category, { from: open, to: fenced }))) return { fenced: false };
      await setWriters(store, category, fenced);
      // Sealed again only by whoever has drained since: what came past an earlier seal is logged now.
      const begun = await changeLog(store, category, fenced, (log) => unsealed(log, epoch));
      if (!begun) return { fenced: false };
      const proven = await drainUntilProven(store, logger, category);
      await removeBarriers(store, category);
      const sealed = await sealLog(store, category, fenced, proven);
      return sealed === null
        ? { fenced: false }
        : { fenced: true, last: { epoch, sequence: sealed.sequence } };
    },

    async unfence(category, epoch) {
      const [fenced, open] = [at(epoch, 'fenced'), at(epoch, 'open')];
      const opened = { from: fenced, to: open, log: (log: LogState) => reopened(log, epoch) };
      if (!(await move(store, category, opened))) return false;
      return await admitWriters(store, category, open);
    },

    async follow(category, epoch) {
      const [fenced, following] = [at(epoch - 1, 'fenced'), at(epoch, 'following')];
      if (isAt((await requireState(store, category)).authority, following)) return true;
      await logger.catchUp(category);
      const log = (present: LogState): LogState | null => (isDrained(present) ? { ...present, epoch } : null);
      return await move(store, category, { from: fenced, to: following, log });
    },

    async open(category, epoch) {
      const [following, open] = [at(epoch - 1, 'following'), at(epoch, 'open')];
      const { authority } = await requireState(store, category);
      if (isAt(authority, following)) {
        await logger.catchUp(category);
        await requireSettled(store, category);
      }
      const opened = { from: following, to: open, log: (log: LogState) => reopened(log, epoch) };
      if (!(await move(store, category, opened))) return false;
      return await admitWriters(store, category, open);
    },
  };
}

function at(epoch: number, state: FlatAuthority['state']): FlatAuthority {
  return { epoch, state };
}

function isAt(present: FlatAuthority, wanted: FlatAuthority): boolean {
  return present.epoch === wanted.epoch && present.state === wanted.state;
}

/** Nothing from before the fence is left to log, and nothing came past it. */
function isDrained({ isSealed, strays }: LogState): boolean {
  return isSealed && strays === 0;
}

function unsealed(log: LogState, epoch: number): LogState {
  const isUnderWay = !log.isSealed && log.drain !== null && log.epoch === epoch;
  const drain = isUnderWay ? log.drain : { token: randomUUID(), shown: [] };
  return { ...log, isSealed: false, mayRelog: log.mayRelog || log.strays > 0, drain };
}

/** Whatever came from the other side is logged once, so that the forward path compares it with its own form of it. */
function reopened(log: LogState, epoch: number): LogState {
  return { ...log, epoch, isSealed: false, mayRelog: true, drain: null };
}

interface Move {
  readonly from: FlatAuthority;
  readonly to: FlatAuthority;
  /** What becomes of the log in the same transaction; null refuses. */
  readonly log?: (present: LogState) => LogState | null;
}

/** True as well when the authority was there already. */
async function move(store: FlatStore, category: Category, { from, to, log }: Move): Promise<boolean> {
  for (;;) {
    const present: CategoryState = await requireState(store, category);
    if (moveFlat(present.authority, from, to) === null) return false;
    if (isAt(present.authority, to)) return true;
    const moved = authorityMove(store, category, from, to);
    if (log === undefined) {
      if (await transact(store, [moved])) return true;
      continue;
    }
    const next = log(present.log);
    if (next === null) return false;
    if (await advanceLog(store, category, { from: present.log, to: next }, [moved])) return true;
  }
}

/** Changes the log while the authority stays; false when it did not. */
async function changeLog(
  store: FlatStore,
  category: Category,
  authority: FlatAuthority,
  change: (log: LogState) => LogState,
): Promise<boolean> {
  for (;;) {
    const present = await requireState(store, category);
    if (!isAt(present.authority, authority)) return false;
    const further = [authorityCheck(store, category, authority)];
    if (await advanceLog(store, category, { from: present.log, to: change(present.log) }, further))
      return true;
  }
}

/** null when the fence is gone, or its drain is another than the one that was proven. */
async function sealLog(
  store: FlatStore,
  category: Category,
  fenced: FlatAuthority,
  proven: string | null,
): Promise<LogState | null> {
  for (;;) {
    const { authority, log } = await requireState(store, category);
    if (!isAt(authority, fenced)) return null;
    if (log.isSealed) return log;
    if (proven === null || log.drain?.token !== proven) return null;
    const to = { ...log, isSealed: true, drain: null };
    const further = [authorityCheck(store, category, fenced)];
    if (await advanceLog(store, category, { from: log, to }, further)) return to;
  }
}

async function admitWriters(store: FlatStore, category: Category, open: FlatAuthority): Promise<boolean> {
  await removeBarriers(store, category);
  await setWriters(store, category, open);
  return true;
}

/** What writers look at follows the authority, as long as it is that one. */
export async function setWriters(
  store: FlatStore,
  category: Category,
  authority: FlatAuthority,
): Promise<void> {
  const groups = Array.from({ length: writerGroups }, (_, group) => group);
  await mapBounded(groups, 16, (group) => setWriterGroup(store, category, group, authority));
}

/** False when the authority is another by now. */
export async function setWriterGroup(
  store: FlatStore,
  category: Category,
  group: number,
  authority: FlatAuthority,
): Promise<boolean> {
  const item = { epoch: number(authority.epoch), state: text(authority.state) };
  const Item = { ...itemAt(writersKey(category, group)), ...item };
  return await transact(store, [
    authorityCheck(store, category, authority),
    { Put: { TableName: store.log, Item } },
  ]);
}
