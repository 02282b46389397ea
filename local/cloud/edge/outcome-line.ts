/** What the edge knows of one finished request. */
export interface FinishedRequest {
  readonly requestId: string;
  /** Real milliseconds since the Unix epoch at which the answer ended. */
  readonly atMs: number;
  readonly latencyMs: number;
  /** 0 when the viewer went away first. */
  readonly status: number;
  readonly method: string;
  readonly uri: string;
  readonly querystring: string;
  readonly viewerIp: string;
  readonly host: string;
  readonly resultType: 'Hit' | 'Miss' | 'Error' | 'FunctionGeneratedResponse';
  /** What the viewer function gave to `cf.logCustomData`. */
  readonly customData: string | null;
}

/** The name of the edge location in records and answers. */
export const edgeLocation = 'LOC50-P1';

const fields: Readonly<Record<string, (request: FinishedRequest) => string>> = {
  timestamp: (request) => (request.atMs / 1_000).toFixed(3),
  'time-taken': (request) => (request.latencyMs / 1_000).toFixed(3),
  'sc-status': (request) => String(request.status).padStart(3, '0'),
  'cs-method': (request) => request.method,
  'cs-uri-stem': (request) => request.uri,
  'cs-uri-query': (request) => request.querystring,
  'cs-host': (request) => request.host,
  'c-ip': (request) => request.viewerIp,
  'x-edge-request-id': (request) => request.requestId,
  'x-edge-location': () => edgeLocation,
  'x-edge-result-type': (request) => request.resultType,
  'x-edge-response-result-type': (request) => request.resultType,
  'cf-custom-data': (request) => request.customData ?? '',
};

export function isKnownLogField(field: string): boolean {
  return Object.hasOwn(fields, field);
}

/** One line of the real-time log: the template's fields in its order, tab separated, `-` for what is absent. */
export function outcomeLine(wanted: readonly string[], request: FinishedRequest): string {
  const values = wanted.map((field) => (fields[field]?.(request) ?? '').replaceAll(/[\t\n\r]/g, ' '));
  return `${values.map((value) => (value === '' ? '-' : value)).join('\t')}\n`;
}
