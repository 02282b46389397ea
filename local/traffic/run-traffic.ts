import { randomInt, type Random } from '../../lib/kernel/random.ts';
import { recordPath } from '../hal9/collections.ts';
import type { ApiRow } from '../hal9/api-row.ts';
import type { AckWindows } from './ack-windows.ts';
import type { HistoryEntry } from './history.ts';
import type { HttpUsers, UserAnswer } from './http-user.ts';
import type { KeyPool, UserKey } from './key-pool.ts';
import type { PlannedWrite, WritePlanner } from './plan-write.ts';
import type { FinishedRequest, RequestCounters } from './request-counters.ts';
import { observeRow } from './token.ts';

export interface UserActions {
  /** Both settle when the answer is in and recorded; they never reject. undefined: no key is free. */
  write(): Promise<void> | undefined;
  read(): Promise<void> | undefined;
}

/** Single requests of users, each recorded in the history and counted. */
export function makeUserActions(deps: {
  users: HttpUsers;
  userNames: readonly string[];
  pool: KeyPool;
  planner: WritePlanner;
  random: Random;
  windows: AckWindows;
  counters: RequestCounters;
  record: (entry: HistoryEntry) => void;
  /** Monotonic, in milliseconds. */
  now: () => number;
}): UserActions {
  const { pool, random, counters, record, now } = deps;
  const introduced = new Set<string>();
  let lastId = 0;

  /** What the key held before the first request about it, once. */
  const introduce = (key: UserKey): void => {
    if (!key.existed || introduced.has(key.pk)) return;
    introduced.add(key.pk);
    record({ e: 'initial', k: key.pk, v: observeRow(key.table, key.template) });
  };

  const begin = (key: UserKey): { id: number; user: string; path: string; startedAt: number } => {
    introduce(key);
    lastId += 1;
    const user = deps.userNames[randomInt(random, deps.userNames.length)] ?? 'user-0';
    return { id: lastId, user, path: recordPath(key.table.recordType, key.id), startedAt: now() };
  };

  const write = async ({ key, row, observed }: PlannedWrite): Promise<void> => {
    const { id, user, path, startedAt } = begin(key);
    key.isBusy = true;
    key.isWritten = true;
    pool.written(key);
    record({ e: 'invoke', i: id, k: key.pk, u: user, v: observed, t: startedAt });
    const answer = await deps.users.send(
      row === null ? { method: 'DELETE', path, user } : { method: 'PUT', path, user, body: row },
    );
    const endedAt = now();
    const e = writeOutcome(answer);
    record({ e, i: id, k: key.pk, t: endedAt, s: statusOf(answer), ...servedByOf(answer) });
    key.isBusy = false;
    if (e !== 'fail') key.isPresent = row !== null;
    if (e === 'ok') deps.windows.acknowledged();
    counters.finished(
      finished(
        { startedAt, endedAt },
        answer,
        e === 'ok' ? null : `${row === null ? 'DELETE' : 'PUT'} ${path}`,
      ),
    );
  };

  const read = async (key: UserKey): Promise<void> => {
    const { id, user, path, startedAt } = begin(key);
    const answer = await deps.users.send({ method: 'GET', path, user });
    const endedAt = now();
    const seen = readOutcome(answer);
    if (seen === undefined) record({ e: 'unread', i: id, k: key.pk, t: startedAt, s: statusOf(answer) });
    else {
      const v = observeRow(key.table, seen);
      record({ e: 'read', i: id, k: key.pk, u: user, v, t: startedAt, d: endedAt, ...servedByOf(answer) });
    }
    counters.finished(finished({ startedAt, endedAt }, answer, seen === undefined ? `GET ${path}` : null));
  };

  return {
    write() {
      const planned = deps.planner.next();
      return planned && write(planned);
    },
    read() {
      const key = pool.chooseToRead();
      return key && read(key);
    },
  };
}

/** A refusal says that nothing was written; whatever a server or the network failed at may have been. */
function writeOutcome(answer: UserAnswer): 'ok' | 'fail' | 'info' {
  if (answer.kind === 'no-answer') return 'info';
  if (answer.status >= 200 && answer.status < 300) return 'ok';
  const isRefusal = answer.status >= 400 && answer.status < 500 && !maybeDone.has(answer.status);
  return isRefusal ? 'fail' : 'info';
}

/** Refusals that do not say whether an earlier hop had passed the request on. */
const maybeDone = new Set([408, 425, 429]);

/** The row, null when the system says that it is absent, undefined when the request failed. */
function readOutcome(answer: UserAnswer): ApiRow | null | undefined {
  if (answer.kind === 'no-answer') return undefined;
  const envelope = parseEnvelope(answer.text);
  if (answer.status === 404 && envelope?.error?.code === 'NotFound') return null;
  return answer.status === 200 ? (envelope?.data ?? undefined) : undefined;
}

interface Envelope {
  readonly data?: ApiRow | null;
  readonly error?: { readonly code?: string } | null;
}

function parseEnvelope(text: string): Envelope | null {
  try {
    return JSON.parse(text) as Envelope | null;
  } catch {
    return null;
  }
}

function statusOf(answer: UserAnswer): number {
  return answer.kind === 'answered' ? answer.status : 0;
}

function servedByOf(answer: UserAnswer): { readonly by?: string } {
  return answer.kind === 'answered' && answer.servedBy !== null ? { by: answer.servedBy } : {};
}

function finished(
  times: { readonly startedAt: number; readonly endedAt: number },
  answer: UserAnswer,
  failedRequest: string | null,
): FinishedRequest {
  const servedBy = answer.kind === 'answered' ? answer.servedBy : null;
  if (failedRequest === null) return { ...times, servedBy, failure: null };
  const what = answer.kind === 'answered' ? `${answer.status} ${answer.text.slice(0, 300)}` : answer.reason;
  const took = Math.round(times.endedAt - times.startedAt);
  return { ...times, servedBy, failure: `${failedRequest}: ${what} (${servedBy ?? 'unknown'}, ${took} ms)` };
}
