import { encodeCohortData } from './cohort-data.ts';

/**
 * One finished request as the edge reports it: a line of CloudFront's real-time log, tab separated, in the order
 * of `outcomeLogFields`. The local edge writes the same lines, so the same parser runs in both places.
 */
export interface OutcomeRecord {
  readonly requestId: string;
  readonly atMs: number;
  readonly cohort: 'flat' | 'hierarchical';
  /** routingEpoch of the routes that assigned the cohort. */
  readonly epoch: number;
  /** Salted hash of the subject, 16 hex digits; empty when the request had none. */
  readonly subject: string;
  readonly method: string;
  readonly path: string;
  /** Raw query string without `?`. */
  readonly query: string;
  /** 0 when the viewer went away or the connection failed before a status. */
  readonly status: number;
  readonly latencyMs: number;
  readonly location: string;
}

/** Field that carries what `cf.logCustomData` was given. Not verified against an account; one place to correct. */
const customDataField = 'cf-custom-data';

/** The fields of the real-time log configuration, in order. */
export const outcomeLogFields = [
  'timestamp',
  'time-taken',
  'sc-status',
  'cs-method',
  'cs-uri-stem',
  'cs-uri-query',
  'x-edge-request-id',
  'x-edge-location',
  customDataField,
] as const;

export type ParsedOutcome =
  | { readonly kind: 'outcome'; readonly record: OutcomeRecord }
  | { readonly kind: 'malformed'; readonly reason: string };

/** A log line without its line break; absent values are `-`, as CloudFront writes them. */
export function encodeOutcome(record: OutcomeRecord): string {
  return [
    (record.atMs / 1000).toFixed(3),
    (record.latencyMs / 1000).toFixed(3),
    String(record.status).padStart(3, '0'),
    record.method,
    record.path,
    record.query === '' ? '-' : record.query,
    record.requestId,
    record.location,
    encodeCohortData(record.cohort, record.epoch, record.subject),
  ].join('\t');
}

/** Total: a line that is not ours is malformed with a reason, never a success. */
export function parseOutcome(line: string): ParsedOutcome {
  const fields = line.trimEnd().split('\t');
  if (fields.length !== outcomeLogFields.length) {
    return { kind: 'malformed', reason: `${fields.length} fields instead of ${outcomeLogFields.length}` };
  }
  const [timestamp, timeTaken, status, method, path, query, requestId, location, custom] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const atMs = Math.round(Number(timestamp) * 1000);
  const latencyMs = Number(timeTaken) * 1000;
  const statusCode = Number(status);
  const cohortData = parseCohortData(custom);
  if (cohortData === null) return { kind: 'malformed', reason: 'no cohort in the custom data' };
  if (![atMs, latencyMs, statusCode].every((value) => Number.isFinite(value) && value >= 0)) {
    return { kind: 'malformed', reason: 'timestamp, time-taken or status is no number' };
  }
  const record: OutcomeRecord = {
    requestId,
    atMs,
    ...cohortData,
    method,
    path,
    query: query === '-' ? '' : query,
    status: statusCode,
    latencyMs,
    location,
  };
  return { kind: 'outcome', record };
}

function parseCohortData(custom: string): Pick<OutcomeRecord, 'cohort' | 'epoch' | 'subject'> | null {
  const values = new Map(custom.split(';').map((pair) => pair.split('=', 2) as [string, string | undefined]));
  const cohort = values.get('cohort');
  const epoch = Number(values.get('epoch'));
  if (cohort !== 'flat' && cohort !== 'hierarchical') return null;
  if (!Number.isInteger(epoch) || epoch < 0) return null;
  return { cohort, epoch, subject: values.get('subject') ?? '' };
}
