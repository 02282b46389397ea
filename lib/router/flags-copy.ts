import type { Clock } from '../kernel/clock.ts';
import { routesFromFlags, type Routes } from './routes.ts';

/** A copy younger than this is used as it is; AppConfig hands out nothing newer any faster. */
export const freshForMs = 15_000;
/** What a request pays at most for a refresh. */
const refreshBudgetMs = 50;
/** What the start of a sandbox pays at most for its first copy: name lookup, TLS and two calls to another Region. */
const primeBudgetMs = 1_000;
/** After a failure, and when an assignment seems to know more than the copy, the next try waits this long. */
const retryAfterMs = 1_000;

/** AppConfig's data plane, as little of it as an edge needs. Both reject when the signal aborts. */
interface FlagsSession {
  start(signal: AbortSignal): Promise<string>;
  /** `content` is null when nothing has changed since the last call with this chain of tokens. */
  next(token: string, signal: AbortSignal): Promise<{ token: string; content: string | null }>;
}

export interface FlagsCopy {
  /** The copy in hand, without any wait. */
  current(): Routes | null;
  /** Fetches the first copy while the sandbox starts, before any request waits; never throws. */
  prime(): Promise<void>;
  /** Refreshes when the copy is too old; never throws, and leaves nothing running when it returns. */
  refresh(): Promise<void>;
  /** As `refresh`, because a request was assigned by routes that look newer than the copy. */
  refreshOnDoubt(): Promise<void>;
}

export interface FlagsCopyDeps {
  readonly session: FlagsSession;
  readonly clock: Clock;
  /** Runs the work with a signal that aborts after this time, and leaves no timer behind. */
  readonly within: <Result>(
    durationMs: number,
    work: (signal: AbortSignal) => Promise<Result>,
  ) => Promise<Result>;
}

/**
 * An edge's own copy of the flags. Lambda freezes at return, so there is no polling in the background: the request
 * that finds the copy too old refreshes it, for 50 ms at most, and any failure leaves the last good copy in force.
 */
export function makeFlagsCopy({ session, clock, within }: FlagsCopyDeps): FlagsCopy {
  let routes: Routes | null = null;
  let token: string | null = null;
  let refreshAtMs = 0;
  let doubtAtMs = 0;

  async function load(fromScratch: boolean, signal: AbortSignal): Promise<void> {
    const used = token !== null && !fromScratch ? token : await session.start(signal);
    // A token is good for one call. Should this call fail, nobody knows whether it was used, so it is given up.
    token = null;
    const answer = await session.next(used, signal);
    token = answer.token;
    if (answer.content !== null) routes = routesFromFlags(answer.content) ?? routes;
  }

  async function tryLoad(fromScratch: boolean, budgetMs: number): Promise<void> {
    const startedAtMs = clock.nowMs();
    refreshAtMs = startedAtMs + retryAfterMs;
    doubtAtMs = startedAtMs + retryAfterMs;
    try {
      await within(budgetMs, (signal) => load(fromScratch, signal));
      refreshAtMs = startedAtMs + freshForMs;
    } catch {
      // Fail static: what is in hand stays in force.
    }
  }

  return {
    current: () => routes,
    prime: () => tryLoad(true, primeBudgetMs),
    async refresh() {
      if (clock.nowMs() >= refreshAtMs) await tryLoad(false, refreshBudgetMs);
    },
    async refreshOnDoubt() {
      // A running session answers once in 15 seconds at most; only a new one sees a change right away.
      if (clock.nowMs() >= doubtAtMs) await tryLoad(true, refreshBudgetMs);
    },
  };
}
