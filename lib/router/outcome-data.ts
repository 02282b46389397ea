import * as z from 'zod/mini';

import { parseOutcome, type OutcomeRecord, type ParsedOutcome } from './outcome-record.ts';

/** A record's clock may be this far off; CloudWatch refuses a whole request for one time stamp out of range. */
const mostPastMs = 24 * 3_600_000;
const mostFutureMs = 3_600_000;

const count = z.number().check(z.gte(0));

/** The same record as one JSON object, for writers that are no CDN. Unknown members are skipped. */
const jsonOutcome = z.object({
  requestId: z.string(),
  atMs: count,
  cohort: z.enum(['flat', 'hierarchical']),
  epoch: z.int().check(z.gte(0)),
  subject: z.optional(z.string()),
  method: z.string(),
  path: z.string(),
  query: z.optional(z.string()),
  status: count,
  latencyMs: count,
  region: z.optional(z.string()),
});

/**
 * The outcomes in one stream record: a line per request. Total; what cannot be read, or cannot be true (a status
 * beyond 599, a time far from `nowMs`), is malformed with a reason and never counts as a success.
 */
export function parseOutcomeData(data: string, nowMs: number): readonly ParsedOutcome[] {
  const lines = data.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return [{ kind: 'malformed', reason: 'an empty record' }];
  return lines.map((line) => {
    const parsed = line.startsWith('{') ? parseJsonOutcome(line) : parseOutcome(line);
    if (parsed.kind === 'malformed') return parsed;
    const doubt = doubtAbout(parsed.record, nowMs);
    return doubt === null ? parsed : { kind: 'malformed', reason: doubt };
  });
}

function parseJsonOutcome(line: string): ParsedOutcome {
  try {
    const parsed = z.safeParse(jsonOutcome, JSON.parse(line));
    if (!parsed.success) return { kind: 'malformed', reason: 'a member is missing or of the wrong type' };
    const { region = '', subject = '', query = '', ...record } = parsed.data;
    return { kind: 'outcome', record: { ...record, subject, query, location: region } };
  } catch {
    return { kind: 'malformed', reason: 'no JSON' };
  }
}

function doubtAbout(record: OutcomeRecord, nowMs: number): string | null {
  if (record.requestId === '' || record.requestId === '-') return 'no request id';
  if (!/^[A-Z]{1,20}$/.test(record.method)) return 'no method';
  if (!record.path.startsWith('/')) return 'no path';
  if (!Number.isInteger(record.status) || record.status > 599) return 'no status';
  if (record.atMs < nowMs - mostPastMs || record.atMs > nowMs + mostFutureMs) return 'a time out of range';
  return null;
}
