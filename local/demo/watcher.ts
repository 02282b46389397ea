import { setTimeout as delay } from 'node:timers/promises';

import { HalError } from '../../lib/kernel/errors.ts';
import type { RunRecord } from '../../lib/orchestrator/run.ts';
import { copyProgress, type StateDescription } from '../../lib/migration/state-description.ts';
import type { TrafficControl } from '../traffic/traffic-control.ts';
import type { DemoControl } from './demo-options.ts';
import type { DemoView, SystemView } from './demo-view.ts';
import { treeMemoryMb } from './process-memory.ts';
import { positionOf } from './run-position.ts';
import { makeTimeline, type Timeline, type TrafficSample } from './timeline.ts';

/** Looks at everything a few times a second, keeps what it saw, and tells whoever waits for something. */
export interface Watcher {
  readonly timeline: Timeline;
  run(): RunRecord | null;
  /** Names what happens now. */
  scene(text: string): void;
  /**
   * Resolves with the run as soon as `isSo` says so of it. Throws a HalError `DemoStuck` when nothing of the run moved
   * for `withinMs`, and what ended the demo early.
   */
  until(what: string, withinMs: number, isSo: (run: RunRecord) => boolean): Promise<RunRecord>;
  /** The stretch of time in which the run was in this stage of the state phase for the first time. */
  copySpan(): { readonly fromMs: number; readonly toMs: number } | null;
  peakMemoryMb(): number | null;
  /** Rejects when the watching itself fails or the demo is interrupted. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

interface WatcherDeps {
  readonly control: DemoControl;
  readonly traffic: TrafficControl;
  readonly onView: (view: DemoView) => void;
  readonly startedAtMs: number;
  readonly signal: AbortSignal;
}

const lookEveryMs = 250;
/** Counting the pages of a large process stops all of its threads for a moment. */
const memoryEveryMs = 2_000;
const copyEveryMs = 2_000;
/** Error rates are those of the last seconds. */
const rateSpanMs = 5_000;

interface Copy {
  readonly atMs: number;
  readonly view: NonNullable<DemoView['copy']>;
}

export function startWatcher(deps: WatcherDeps): Watcher {
  const { control, traffic, signal } = deps;
  const timeline = makeTimeline();
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const waiting = new Set<() => void>();
  let run: RunRecord | null = null;
  let scene = '';
  let copy: Copy | null = null;
  let copySpan: { fromMs: number; toMs: number } | null = null;
  let peakMb: number | null = null;
  let memoryAtMs = 0;
  const stopping = new AbortController();

  const look = async (): Promise<void> => {
    const [current, stats] = await Promise.all([control.runs.current(), traffic.stats()]);
    const atMs = Date.now();
    run = current;
    timeline.add({ atMs, stats });
    if (isCopying(run)) copySpan = { fromMs: copySpan?.fromMs ?? atMs, toMs: atMs };
    copy = await nextCopy(control, run, copy, atMs);
    if (atMs - memoryAtMs >= memoryEveryMs) {
      memoryAtMs = atMs;
      peakMb = highest(peakMb, await treeMemoryMb(process.pid));
    }
    deps.onView(viewOf({ atMs: atMs - deps.startedAtMs, scene, run, copy: copy?.view ?? null, timeline }));
    for (const wake of waiting) wake();
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look();
      await delay(lookEveryMs);
    }
  };
  const looping = loop().catch((error: unknown) => broken.reject(error));
  signal.addEventListener('abort', () => broken.reject(interrupted()), { once: true });
  if (signal.aborted) broken.reject(interrupted());

  return {
    timeline,
    run: () => run,
    scene: (text) => {
      scene = text;
    },
    async until(what, withinMs, isSo) {
      const reached = Promise.withResolvers<RunRecord>();
      let seen = positionOf(run);
      const timer = setTimeout(() => reached.reject(stuck(what, withinMs, run)), withinMs);
      const check = (): void => {
        if (run !== null && isSo(run)) reached.resolve(run);
        const now = positionOf(run);
        if (now !== seen) timer.refresh();
        seen = now;
      };
      waiting.add(check);
      try {
        check();
        return await Promise.race([reached.promise, broken.promise]);
      } finally {
        clearTimeout(timer);
        waiting.delete(check);
      }
    },
    copySpan: () => copySpan,
    peakMemoryMb: () => peakMb,
    broken: broken.promise,
    async stop() {
      stopping.abort();
      await looping;
    },
  };
}

function highest(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.max(left, right);
}

function isCopying(run: RunRecord | null): boolean {
  return run?.phase === 'state-migration' && run.status === 'baking' && run.statePhase?.stage === 'copy';
}

function isCopied(run: RunRecord | null): boolean {
  const stage = run?.statePhase?.stage;
  return stage === 'verify' || stage === 'switch' || stage === 'post-verify' || stage === 'done';
}

/** Looked at every few seconds, the end of the copy itself is never seen. */
function finished({ rows }: Copy['view']): Copy['view'] {
  return { rows, copied: rows, perSecond: 0 };
}

async function nextCopy(
  control: DemoControl,
  run: RunRecord | null,
  copy: Copy | null,
  atMs: number,
): Promise<Copy | null> {
  if (isCopying(run)) return atMs - (copy?.atMs ?? 0) >= copyEveryMs ? readCopy(control, copy) : copy;
  return copy !== null && isCopied(run) ? { atMs, view: finished(copy.view) } : copy;
}

/** The picture is for people: when it cannot be had now, the older one stays. */
async function readCopy(control: DemoControl, previous: Copy | null): Promise<Copy | null> {
  try {
    const described = (await control.invoker.invoke('describe-state', {})) as StateDescription;
    const { rows, copiedRows } = copyProgress(described.categories);
    const atMs = Date.now();
    const seconds = previous === null ? 0 : (atMs - previous.atMs) / 1_000;
    const perSecond =
      seconds === 0 || previous === null ? 0 : Math.max(0, (copiedRows - previous.view.copied) / seconds);
    return { atMs, view: { rows, copied: copiedRows, perSecond } };
  } catch {
    return previous;
  }
}

function viewOf(seen: {
  atMs: number;
  scene: string;
  run: RunRecord | null;
  copy: DemoView['copy'];
  timeline: Timeline;
}): DemoView {
  const { run, timeline, atMs, scene, copy } = seen;
  const latest = timeline.latest();
  const earlier = timeline.before((latest?.atMs ?? 0) - rateSpanMs);
  return {
    elapsedMs: atMs,
    scene,
    ...runView(run),
    trafficThousandths: servedShare(latest, earlier),
    flat: systemView('flat', latest, earlier),
    hierarchical: systemView('hierarchical', latest, earlier),
    acknowledgedWrites: latest?.stats.acknowledgedWrites ?? 0,
    copy,
  };
}

type RunView = Pick<DemoView, 'phase' | 'stepId' | 'stepNumber' | 'stepCount' | 'status' | 'reason'>;

const noRun: RunView = {
  phase: 'none',
  stepId: null,
  stepNumber: 0,
  stepCount: 0,
  status: 'not started',
  reason: null,
};

function runView(run: RunRecord | null): RunView {
  if (run === null) return noRun;
  const { phase, status, reason, steps, stepIndex } = run;
  const stepId = steps[stepIndex]?.id ?? null;
  return { phase, stepId, stepNumber: stepIndex + 1, stepCount: steps.length, status, reason };
}

/** The split that users see, by what was served in the last seconds. */
function servedShare(latest: TrafficSample | undefined, earlier: TrafficSample | undefined): number {
  const served = (system: 'flat' | 'hierarchical'): number =>
    (latest?.stats.bySystem[system].requests ?? 0) - (earlier?.stats.bySystem[system].requests ?? 0);
  const total = served('flat') + served('hierarchical');
  return total === 0 ? 0 : Math.round((served('hierarchical') / total) * 100) * 1_000;
}

function systemView(
  system: 'flat' | 'hierarchical',
  latest: TrafficSample | undefined,
  earlier: TrafficSample | undefined,
): SystemView {
  const now = latest?.stats.bySystem[system];
  if (now === undefined) return { requests: 0, errorRate: null, p99Ms: null };
  const before = earlier?.stats.bySystem[system] ?? { requests: 0, failed: 0 };
  const requests = now.requests - before.requests;
  return {
    requests: now.requests,
    errorRate: requests === 0 ? null : (now.failed - before.failed) / requests,
    p99Ms: now.requests === 0 ? null : now.p99Ms,
  };
}

function stuck(what: string, withinMs: number, run: RunRecord | null): HalError {
  const where = run === null ? 'no run' : `${run.status} in ${run.phase}, ${run.reason ?? 'no reason given'}`;
  return new HalError({
    name: 'DemoStuck',
    message: `Waited ${Math.round(withinMs / 1_000)} s for ${what}; the run is ${where}.`,
    remedy:
      'Repeat it with --keep and look at the logs in its data directory; a very busy machine may be too slow.',
    exit: 'timedOut',
    facts: { what, withinMs, status: run?.status ?? null, phase: run?.phase ?? null },
  });
}

export function interrupted(): HalError {
  return new HalError({
    name: 'DemoInterrupted',
    message: 'The demo was interrupted.',
    remedy: 'Nothing of it runs any more. Start it again with: hal9-migrate demo',
    exit: 'interrupted',
  });
}
