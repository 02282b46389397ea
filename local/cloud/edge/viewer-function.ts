import { AsyncLocalStorage } from 'node:async_hooks';
import { createContext, Script } from 'node:vm';

import type { KeyValueEngine } from '../../engines/ports.ts';
import type { DistributionPlan } from './distribution-plan.ts';
import type { EdgeHeaders, EdgeRequest, GeneratedResponse } from './edge-request.ts';

type ViewerResult =
  | { readonly kind: 'request'; readonly request: EdgeRequest; readonly customData: string | null }
  | { readonly kind: 'response'; readonly response: GeneratedResponse; readonly customData: string | null }
  | { readonly kind: 'failed'; readonly reason: string };

/** Runs the viewer-request function; never rejects. */
export type ViewerFunction = (request: EdgeRequest, call: ViewerCall) => Promise<ViewerResult>;

interface ViewerCall {
  readonly requestId: string;
  readonly viewerIp: string;
}

export interface ViewerFunctionDeps {
  readonly distribution: Pick<DistributionPlan, 'id' | 'domainName'>;
  readonly keyValues: Pick<KeyValueEngine, 'get'>;
  log(line: string): void;
}

interface Invocation {
  customData: string | null;
}

interface ScriptValue {
  value: string;
  multiValue?: { value: string }[];
}
type ScriptValues = Record<string, ScriptValue>;

interface ScriptRequest {
  method: string;
  uri: string;
  querystring: ScriptValues;
  headers: ScriptValues;
  cookies: ScriptValues;
}

interface ScriptResponse {
  statusCode: number;
  headers?: ScriptValues;
  cookies?: ScriptValues;
  body?: string | { data: string; encoding?: string };
}

/**
 * The CloudFront Functions runtime 2.0, as far as a viewer-request function of ours needs it: a context of its own
 * without Node, timers or network, the `cloudfront` module with the key value store and the custom log data.
 */
export function makeViewerFunction(
  plan: NonNullable<DistributionPlan['viewerFunction']>,
  deps: ViewerFunctionDeps,
): ViewerFunction {
  const invocations = new AsyncLocalStorage<Invocation>();
  const call = compile(plan, deps, invocations);
  return async (request, { requestId, viewerIp }) => {
    const invocation: Invocation = { customData: null };
    const before = scriptRequest(request);
    const event = {
      version: '1.0',
      context: {
        distributionDomainName: deps.distribution.domainName,
        distributionId: deps.distribution.id,
        eventType: 'viewer-request',
        requestId,
      },
      viewer: { ip: viewerIp },
      request: before,
    };
    try {
      const answer = await invocations.run(invocation, () => call(JSON.stringify(event)));
      return resultOf(request, before, JSON.parse(answer) as ScriptRequest | ScriptResponse, invocation);
    } catch (error) {
      return { kind: 'failed', reason: String(error) };
    }
  };
}

function compile(
  plan: NonNullable<DistributionPlan['viewerFunction']>,
  deps: ViewerFunctionDeps,
  invocations: AsyncLocalStorage<Invocation>,
): (event: string) => Promise<string> {
  const context = createContext({
    __cloudfront: cloudfrontModule(plan, deps, invocations),
    console: { log: (...values: unknown[]) => deps.log(values.map(String).join(' ')) },
  });
  const code = plan.code.replaceAll(
    /import\s*([\w$]+)\s*from\s*["']cloudfront["']\s*;?/g,
    'const $1=__cloudfront;',
  );
  new Script(code, { filename: `${plan.name}.js` }).runInContext(context);
  const bridge = '(async (event) => JSON.stringify(await handler(JSON.parse(event))))';
  return new Script(bridge).runInContext(context) as (event: string) => Promise<string>;
}

function cloudfrontModule(
  plan: NonNullable<DistributionPlan['viewerFunction']>,
  deps: ViewerFunctionDeps,
  invocations: AsyncLocalStorage<Invocation>,
): object {
  const read = (key: string): string | undefined => {
    if (plan.storeArn === null) throw new Error(`${plan.name} has no key value store`);
    return deps.keyValues.get(plan.storeArn, key);
  };
  return {
    kvs: () => ({
      async get(key: string, options?: { format?: string }): Promise<unknown> {
        const value = read(key);
        if (value === undefined) throw new Error(`KeyNotFound: ${key}`);
        if (options?.format === 'json') return JSON.parse(value) as unknown;
        return options?.format === 'bytes' ? new TextEncoder().encode(value) : value;
      },
      exists: async (key: string): Promise<boolean> => read(key) !== undefined,
    }),
    logCustomData(text: string): void {
      const invocation = invocations.getStore();
      if (invocation !== undefined) invocation.customData = text;
    },
  };
}

function scriptRequest(request: EdgeRequest): ScriptRequest {
  const headers: ScriptValues = {};
  for (const [name, values] of Object.entries(request.headers)) {
    if (name !== 'cookie') headers[name] = scriptValue(values);
  }
  return {
    method: request.method,
    uri: request.uri,
    querystring: pairsToValues(request.querystring.split('&')),
    headers,
    cookies: pairsToValues((request.headers['cookie'] ?? []).flatMap((line) => line.split(/;\s*/))),
  };
}

function scriptValue(values: readonly string[]): ScriptValue {
  const value = values[0] ?? '';
  return values.length < 2 ? { value } : { value, multiValue: values.map((each) => ({ value: each })) };
}

function pairsToValues(pairs: readonly string[]): ScriptValues {
  const collected = new Map<string, string[]>();
  for (const pair of pairs) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    collected.set(name, [...(collected.get(name) ?? []), at < 0 ? '' : pair.slice(at + 1)]);
  }
  return Object.fromEntries([...collected].map(([name, values]) => [name, scriptValue(values)]));
}

function valuesToPairs(values: ScriptValues): readonly string[] {
  return Object.entries(values).flatMap(([name, entry]) =>
    allValues(entry).map((value) => `${name}=${value}`),
  );
}

function allValues(entry: ScriptValue): readonly string[] {
  return entry.multiValue?.map((each) => each.value) ?? [entry.value];
}

function resultOf(
  request: EdgeRequest,
  before: ScriptRequest,
  answer: ScriptRequest | ScriptResponse,
  { customData }: Invocation,
): ViewerResult {
  if ('statusCode' in answer) {
    return { kind: 'response', response: generatedResponse(answer), customData };
  }
  // The order of parameters and what stands without `=` survive only in the raw text.
  const sameQuery = JSON.stringify(answer.querystring) === JSON.stringify(before.querystring);
  const cookies = valuesToPairs(answer.cookies);
  const changed: EdgeRequest = {
    method: request.method,
    uri: answer.uri,
    querystring: sameQuery ? request.querystring : valuesToPairs(answer.querystring).join('&'),
    headers: {
      ...headerLists(answer.headers),
      ...(cookies.length === 0 ? {} : { cookie: [cookies.join('; ')] }),
    },
  };
  return { kind: 'request', request: changed, customData };
}

function headerLists(values: ScriptValues): EdgeHeaders {
  return Object.fromEntries(
    Object.entries(values).map(([name, entry]) => {
      if (name !== name.toLowerCase()) throw new Error(`header names are in lower case, not ${name}`);
      return [name, allValues(entry)];
    }),
  );
}

function generatedResponse(answer: ScriptResponse): GeneratedResponse {
  const body = answer.body ?? '';
  return {
    status: answer.statusCode,
    headers: { ...headerLists(answer.headers ?? {}) },
    body:
      typeof body === 'string'
        ? Buffer.from(body)
        : Buffer.from(body.data, body.encoding === 'base64' ? 'base64' : 'utf8'),
  };
}
