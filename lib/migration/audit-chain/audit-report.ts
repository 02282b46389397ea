import * as z from 'zod/mini';

/** A fault of one side, or of both compared. */
const finding = z.object({
  fault: z.string(),
  /** `recordType/stream`. */
  stream: z.string(),
  side: z.enum(['flat', 'hierarchical', 'both']),
  sequence: z.string(),
  detail: z.string(),
});
export type AuditFinding = z.infer<typeof finding>;

export const chainPointSchema = z.object({
  first: z.string(),
  last: z.string(),
  count: z.int(),
  head: z.string(),
});

const streamReport = z.object({
  recordType: z.string(),
  stream: z.string(),
  flat: z.nullable(chainPointSchema),
  hierarchical: z.nullable(chainPointSchema),
  /** The last seal. */
  sealed: z.nullable(chainPointSchema),
});
export type AuditStreamReport = z.infer<typeof streamReport>;

export const auditReportSchema = z.object({
  /**
   * `unproven`: there is no numbered stream, it has no event, or the damage that was planted in copies of its events
   * was not found.
   */
  outcome: z.enum(['sound', 'broken', 'pending', 'unproven']),
  /** Why nothing was proven; null unless that is the outcome. */
  unproven: z.nullable(z.enum(['no-numbered-events', 'too-few-events', 'planted-faults-missed'])),
  streams: z.array(streamReport),
  /** Events of both sides that were looked at. */
  scanned: z.int(),
  canary: z.object({ planted: z.int(), found: z.int() }),
  counts: z.record(z.string(), z.int()),
  /** The first hundred. */
  findings: z.array(finding),
});
export type AuditReport = z.infer<typeof auditReportSchema>;

const mostFindings = 100;

export const emptyAuditReport: AuditReport = {
  outcome: 'unproven',
  unproven: null,
  streams: [],
  scanned: 0,
  canary: { planted: 0, found: 0 },
  counts: {},
  findings: [],
};

export function withFindings(report: AuditReport, found: readonly AuditFinding[]): AuditReport {
  const counts = { ...report.counts };
  for (const { fault } of found) counts[fault] = (counts[fault] ?? 0) + 1;
  return { ...report, counts, findings: [...report.findings, ...found].slice(0, mostFindings) };
}

/** Judged at the end: a walk that looked at nothing says nothing. */
export function withOutcome(report: AuditReport, isPending: boolean): AuditReport {
  const { planted, found } = report.canary;
  if (report.findings.length > 0) return { ...report, outcome: 'broken' };
  if (isPending) return { ...report, outcome: 'pending' };
  if (planted > 0 && found === planted) return { ...report, outcome: 'sound' };
  if (planted > 0) return { ...report, outcome: 'unproven', unproven: 'planted-faults-missed' };
  return {
    ...report,
    outcome: 'unproven',
    unproven: report.scanned === 0 ? 'no-numbered-events' : 'too-few-events',
  };
}
