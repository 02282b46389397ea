import * as z from 'zod/mini';

import { HalError } from '../../kernel/errors.ts';
import { isCopied } from '../fold-rows.ts';
import { rulesOf } from '../integrity/rules.ts';
import type { JudgeKeysDeps } from '../judge-keys.ts';
import { tableOf } from '../table-lookup.ts';
import {
  auditReportSchema,
  chainPointSchema,
  emptyAuditReport,
  withFindings,
  withOutcome,
  type AuditFinding,
  type AuditReport,
} from './audit-report.ts';
import { chainStart, endFaults, pointOf, walkEvent, type ChainFault, type ChainWalk } from './chain.ts';
import { compareWindow } from './compare-window.ts';
import { fewestForCanary, plantInChain } from './planted-chain.ts';
import type { AuditSeal, AuditStream, SealStore } from './ports.ts';
import type { WindowEvent } from './read-window.ts';

export interface VerifyAuditDeps extends JudgeKeysDeps {
  readonly seals: SealStore;
}

export type AuditAnswer =
  | { readonly done: false; readonly cursor: string; readonly report: AuditReport }
  | { readonly done: true; readonly report: AuditReport };

const walkSchema = z.object({ point: z.nullable(chainPointSchema), passedSeals: z.int() });

const positionSchema = z.object({
  /** Index of the stream. */
  stream: z.int(),
  after: z.nullable(z.string()),
  /** Seals that there were at the beginning: those made meanwhile may lie behind the walk. */
  seals: z.nullable(z.int()),
  flat: walkSchema,
  hierarchical: walkSchema,
  isPending: z.boolean(),
  report: auditReportSchema,
});
type Position = z.infer<typeof positionSchema>;

/** The streams that must be numbered without a gap. */
export function auditStreamsOf(deps: Pick<VerifyAuditDeps, 'definition'>): readonly AuditStream[] {
  return rulesOf(deps.definition).flatMap((rule) =>
    rule.kind === 'sequence' ? [{ recordType: rule.recordType, stream: rule.stream }] : [],
  );
}

/**
 * Walks along the audit streams of both sides: in order, without a gap, the same events, and what was sealed is still
 * what it was. Works until `deadlineMs` and continues from the cursor. Reads only.
 */
export function makeVerifyAudit(
  deps: VerifyAuditDeps,
): (cursor: string | null, deadlineMs: number) => Promise<AuditAnswer> {
  const streams = auditStreamsOf(deps);
  return async (cursor, deadlineMs) => {
    let position: Position = cursor === null ? first : positionSchema.parse(JSON.parse(cursor));
    for (;;) {
      const stream = streams[position.stream];
      if (stream === undefined) {
        return { done: true, report: withOutcome(position.report, position.isPending) };
      }
      if (position.after === null) await requireCopied(deps, stream);
      position = await walkWindow(deps, stream, position);
      if (deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(position), report: position.report };
      }
    }
  };
}

const first: Position = {
  stream: 0,
  after: null,
  seals: null,
  flat: chainStart,
  hierarchical: chainStart,
  isPending: false,
  report: emptyAuditReport,
};

/** While a category is being copied its chain on the target has gaps that mean nothing. */
export async function requireCopied(deps: JudgeKeysDeps, stream: AuditStream): Promise<void> {
  const { category } = tableOf(deps.definition, stream.recordType);
  if (await isCopied(deps, category)) return;
  throw new HalError({
    name: 'BackfillIncomplete',
    message: `The category ${category} is not copied yet, so that its ${stream.stream} stream has nothing to be compared with.`,
    remedy: 'Run `hal9-migrate state migrate` until it ends.',
    exit: 'gateFailed',
    facts: { category },
  });
}

async function walkWindow(deps: VerifyAuditDeps, stream: AuditStream, position: Position): Promise<Position> {
  const present = await deps.seals.list(stream);
  const seals = present.slice(0, position.seals ?? present.length);
  const after = position.after === null ? null : BigInt(position.after);
  const compared = await compareWindow(deps, stream, after);
  if (compared.kind === 'pending') {
    return closeStream(stream, { ...position, isPending: true }, seals, 'before its end');
  }
  const { window, faults } = compared;
  const flat = walkSide(stream, 'flat', { walk: position.flat, events: window.flat, seals });
  const hierarchical = walkSide(stream, 'hierarchical', {
    walk: position.hierarchical,
    events: window.hierarchical,
    seals,
  });
  const both = faults.map((fault): AuditFinding => ({ ...fault, stream: nameOf(stream), side: 'both' }));
  const report = withFindings(withCanary(position.report, window.hierarchical), [
    ...both,
    ...flat.found,
    ...hierarchical.found,
  ]);
  const scanned = report.scanned + window.flat.length + window.hierarchical.length;
  const walked = {
    ...position,
    seals: seals.length,
    flat: flat.walk,
    hierarchical: hierarchical.walk,
    report: { ...report, scanned },
  };
  return window.next === null
    ? closeStream(stream, walked, seals, 'at its end')
    : { ...walked, after: window.next.toString() };
}

function walkSide(
  stream: AuditStream,
  side: 'flat' | 'hierarchical',
  about: {
    readonly walk: ChainWalk;
    readonly events: readonly WindowEvent[];
    readonly seals: readonly AuditSeal[];
  },
): { readonly walk: ChainWalk; readonly found: readonly AuditFinding[] } {
  let { walk } = about;
  const found: AuditFinding[] = [];
  for (const event of about.events) {
    const step = walkEvent(walk, event, about.seals);
    ({ walk } = step);
    found.push(...step.faults.map((fault) => chainFinding(stream, side, fault)));
  }
  return { walk, found };
}

/** The next stream begins; a walk that stopped early does not say that the stream was cut off. */
function closeStream(
  stream: AuditStream,
  position: Position,
  seals: readonly AuditSeal[],
  where: 'at its end' | 'before its end',
): Position {
  const { flat, hierarchical } = position;
  const found =
    where === 'before its end'
      ? []
      : [
          ...endFaults(flat, seals).map((fault) => chainFinding(stream, 'flat', fault)),
          ...endFaults(hierarchical, seals).map((fault) => chainFinding(stream, 'hierarchical', fault)),
        ];
  const report = withFindings(position.report, found);
  const last = seals.at(-1);
  const sealed = last === undefined ? null : pointOf(last);
  const closed = { ...stream, flat: flat.point, hierarchical: hierarchical.point, sealed };
  return {
    ...first,
    stream: position.stream + 1,
    isPending: position.isPending,
    report: { ...report, streams: [...report.streams, closed] },
  };
}

function chainFinding(stream: AuditStream, side: 'flat' | 'hierarchical', fault: ChainFault): AuditFinding {
  return { ...fault, stream: nameOf(stream), side };
}

function nameOf({ recordType, stream }: AuditStream): string {
  return `${recordType}/${stream}`;
}

/** Once, with the first events that there are. */
function withCanary(report: AuditReport, events: readonly WindowEvent[]): AuditReport {
  if (report.canary.planted > 0 || events.length < fewestForCanary) return report;
  return { ...report, canary: plantInChain(events) };
}
