import { ApiFault, notImplemented } from './api-fault.ts';
import type { WireObject } from './ports.ts';
import { isObject } from './wire-input.ts';

export interface ApiRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface ApiReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Operations of an AwsJson service, by the name after the dot of `X-Amz-Target`. */
export type TargetOperations = Readonly<Record<string, (input: WireObject) => unknown>>;

export interface TargetService {
  readonly contentType: string;
  readonly operations: TargetOperations;
}

export interface RestCall {
  readonly request: ApiRequest;
  /** A decoded part of the path. */
  label(name: string): string;
  /** The body as a JSON object; empty when there is none. */
  input(): WireObject;
}

export interface RestRoute {
  readonly method: string;
  /** `/applications/{application}`: a label matches one segment. */
  readonly pattern: string;
  readonly handle: (call: RestCall) => ApiReply | Promise<ApiReply>;
}

export function jsonReply(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): ApiReply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

export async function answerTarget(
  service: TargetService,
  operation: string,
  request: ApiRequest,
): Promise<ApiReply> {
  const headers = { 'content-type': service.contentType };
  try {
    const run = Object.hasOwn(service.operations, operation) ? service.operations[operation] : undefined;
    if (run === undefined) {
      throw notImplemented(operation);
    }
    const output = await run(parseObject(request.body));
    return { status: 200, headers, body: JSON.stringify(output ?? {}) };
  } catch (error) {
    const fault = asFault(error);
    return { status: fault.status, headers, body: JSON.stringify(faultBody(fault)) };
  }
}

export async function answerRest(routes: readonly RestRoute[], request: ApiRequest): Promise<ApiReply> {
  try {
    const { route, labels } = findRoute(routes, request);
    return await route.handle({
      request,
      label: (name) => labels.get(name) ?? '',
      input: () => parseObject(request.body),
    });
  } catch (error) {
    const fault = asFault(error);
    return jsonReply(faultBody(fault), fault.status, { 'x-amzn-errortype': fault.code });
  }
}

function findRoute(
  routes: readonly RestRoute[],
  request: ApiRequest,
): { route: RestRoute; labels: ReadonlyMap<string, string> } {
  for (const route of routes) {
    const labels = route.method === request.method ? matchPath(route.pattern, request.path) : undefined;
    if (labels !== undefined) {
      return { route, labels };
    }
  }
  throw notImplemented(`${request.method} ${request.path}`);
}

function matchPath(pattern: string, path: string): ReadonlyMap<string, string> | undefined {
  const expected = pattern.split('/');
  const actual = path.split('/');
  if (expected.length !== actual.length) {
    return undefined;
  }
  const labels = new Map<string, string>();
  for (const [index, part] of expected.entries()) {
    const segment = actual[index] ?? '';
    if (part.startsWith('{')) {
      labels.set(part.slice(1, -1), decodeURIComponent(segment));
    } else if (part !== segment) {
      return undefined;
    }
  }
  return labels;
}

function parseObject(body: Buffer): WireObject {
  if (body.length === 0) {
    return {};
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ApiFault('SerializationException', 400, 'the request body is not JSON');
  }
  if (!isObject(parsed)) {
    throw new ApiFault('SerializationException', 400, 'the request body is not a JSON object');
  }
  return parsed;
}

function asFault(error: unknown): ApiFault {
  if (error instanceof ApiFault) {
    return error;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ApiFault('InternalServerException', 500, text);
}

function faultBody(fault: ApiFault): WireObject {
  return { __type: fault.code, message: fault.message, Message: fault.message, ...fault.members };
}
