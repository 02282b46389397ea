import { chainStart, isSamePoint, pointOf, walkEvent, type ChainPoint, type ChainWalk } from './chain.ts';
import { compareWindow } from './compare-window.ts';
import type { AuditStream } from './ports.ts';
import { auditStreamsOf, requireCopied, type VerifyAuditDeps } from './verify-audit.ts';

/** Why sealing ended where it did. */
type SealEnd =
  | 'end of the stream'
  /** Later events are still on their way. */
  | 'pending'
  /** The next event is missing, damaged or not the same on both sides: `verify` names it. */
  | 'fault'
  /** Somebody else seals at the same time. */
  | 'sealed meanwhile';

export interface SealedStream extends AuditStream {
  readonly end: SealEnd | null;
  readonly added: number;
  /** Null while there is no seal. */
  readonly sealed: ChainPoint | null;
}

export interface SealAnswer {
  /** False when time was up; calling again goes on behind the last seal. */
  readonly done: boolean;
  readonly streams: readonly SealedStream[];
}

/** Events between two seals, about. */
const segmentEvents = 1_000;

/**
 * Seals what both sides agree about, in order, behind the last seal of each stream. What a seal covers can be neither
 * changed, removed nor added to without `verify` finding it.
 */
export function makeSealAudit(
  deps: VerifyAuditDeps,
): (request: { readonly by: string; readonly dryRun: boolean }, deadlineMs: number) => Promise<SealAnswer> {
  return async (request, deadlineMs) => {
    const streams: SealedStream[] = [];
    for (const stream of auditStreamsOf(deps)) {
      await requireCopied(deps, stream);
      streams.push(await sealStream(deps, stream, { ...request, deadlineMs }));
    }
    return { done: streams.every(({ end }) => end !== null), streams };
  };
}

interface SealRequest {
  readonly by: string;
  readonly dryRun: boolean;
  readonly deadlineMs: number;
}

interface Sealing {
  readonly walk: ChainWalk;
  readonly sealed: ChainPoint | null;
  /** Of the next seal. */
  readonly index: number;
}

async function sealStream(
  deps: VerifyAuditDeps,
  stream: AuditStream,
  request: SealRequest,
): Promise<SealedStream> {
  const last = (await deps.seals.list(stream)).at(-1) ?? null;
  const point = last === null ? null : pointOf(last);
  let sealing: Sealing = {
    walk: { ...chainStart, point },
    sealed: point,
    index: last === null ? 0 : last.index + 1,
  };
  for (;;) {
    const step = await sealStretch(deps, stream, sealing, request);
    ({ sealing } = step);
    if (step.end === null && !step.isTimeUp) continue;
    const added = (sealing.sealed?.count ?? 0) - (last?.count ?? 0);
    return { ...stream, end: step.end, added, sealed: sealing.sealed };
  }
}

/** Walks one stretch further, and seals where a segment is long enough or nothing more can be walked. */
async function sealStretch(
  deps: VerifyAuditDeps,
  stream: AuditStream,
  before: Sealing,
  request: SealRequest,
): Promise<{ readonly sealing: Sealing; readonly end: SealEnd | null; readonly isTimeUp: boolean }> {
  const { walk, end } = await walkStretch(deps, stream, before.walk);
  const walked = { ...before, walk };
  const { point } = walk;
  const isLong = (point?.count ?? 0) - (before.sealed?.count ?? 0) >= segmentEvents;
  const isDue = (isLong || end !== null) && !isSamePoint(point, before.sealed);
  if (point === null || !isDue) return { sealing: walked, end, isTimeUp: false };
  const { index } = before;
  if (!request.dryRun) {
    const seal = { ...pointOf(point), index, sealedAtMs: deps.clock.nowMs(), by: request.by };
    if (!(await deps.seals.append(stream, seal))) {
      return { sealing: before, end: 'sealed meanwhile', isTimeUp: false };
    }
  }
  // A dry run has nothing that it could go on behind.
  const isTimeUp = !request.dryRun && deps.clock.nowMs() >= request.deadlineMs;
  return { sealing: { walk, sealed: point, index: index + 1 }, end, isTimeUp };
}

/** One stretch that is sound on both sides; nothing of one that is not. */
async function walkStretch(
  deps: VerifyAuditDeps,
  stream: AuditStream,
  from: ChainWalk,
): Promise<{ readonly walk: ChainWalk; readonly end: SealEnd | null }> {
  const after = from.point === null ? null : BigInt(from.point.last);
  const compared = await compareWindow(deps, stream, after);
  if (compared.kind === 'pending') return { walk: from, end: 'pending' };
  if (compared.faults.length > 0) return { walk: from, end: 'fault' };
  let walk = from;
  for (const event of compared.window.flat) {
    const step = walkEvent(walk, event, []);
    if (step.faults.length > 0) return { walk: from, end: 'fault' };
    ({ walk } = step);
  }
  return { walk, end: compared.window.next === null ? 'end of the stream' : null };
}
