import { ApiFault } from '../api-fault.ts';
import type { ApiReply, RestCall, RestRoute } from '../api-service.ts';
import { jsonReply } from '../api-service.ts';
import { arnOf, functionNameOf } from '../arns.ts';
import { invokeAsync } from '../async-invoke.ts';
import type { EngineFault, FunctionHost, FunctionSummary, InvokeAnswer, WireObject } from '../ports.ts';

export interface FunctionApiDeps {
  readonly functions: FunctionHost;
  readonly onFault: (fault: EngineFault) => void;
}

const functionPath = '/2015-03-31/functions/{name}';
const largestPayload = 6 * 1024 * 1024;

export function functionRoutes(deps: FunctionApiDeps): readonly RestRoute[] {
  const { functions } = deps;
  return [
    { method: 'POST', pattern: `${functionPath}/invocations`, handle: (call) => invoke(deps, call) },
    {
      method: 'GET',
      pattern: '/2015-03-31/functions',
      handle: () => jsonReply({ Functions: functions.list().map(configuration) }),
    },
    {
      method: 'GET',
      pattern: functionPath,
      handle: (call) =>
        jsonReply({ Configuration: configuration(namedIn(functions, call)), Code: {}, Tags: {} }),
    },
    {
      method: 'GET',
      pattern: `${functionPath}/configuration`,
      handle: (call) => jsonReply(configuration(namedIn(functions, call))),
    },
  ];
}

async function invoke(deps: FunctionApiDeps, call: RestCall): Promise<ApiReply> {
  const { name } = namedIn(deps.functions, call);
  const payload = payloadIn(call);
  switch (call.request.headers['x-amz-invocation-type'] ?? 'RequestResponse') {
    case 'DryRun':
      return { status: 204 };
    case 'Event':
      void invokeAsync(
        { functions: deps.functions, functionName: name, payload },
        { ...deps, engine: 'lambda' },
      );
      return { status: 202 };
    default:
      return answered(name, await deps.functions.invoke(name, payload));
  }
}

function answered(name: string, answer: InvokeAnswer): ApiReply {
  const headers = { 'x-amz-executed-version': '$LATEST' };
  switch (answer.kind) {
    case 'returned':
      return jsonReply(answer.payload ?? null, 200, headers);
    case 'failed': {
      const { errorType, errorMessage, trace } = answer;
      return jsonReply({ errorType, errorMessage, trace }, 200, {
        ...headers,
        'x-amz-function-error': 'Unhandled',
      });
    }
    case 'missing':
    default:
      throw unknownFunction(name);
  }
}

function payloadIn(call: RestCall): unknown {
  const { body } = call.request;
  if (body.length > largestPayload) {
    throw new ApiFault('RequestTooLargeException', 413, 'an invocation takes at most 6 MB', { Type: 'User' });
  }
  try {
    return body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as unknown);
  } catch {
    throw new ApiFault('InvalidRequestContentException', 400, 'the payload is not JSON', { Type: 'User' });
  }
}

function namedIn(functions: FunctionHost, call: RestCall): FunctionSummary {
  const name = functionNameOf(call.label('name'));
  const found = functions.list().find((known) => known.name === name);
  if (found === undefined) {
    throw unknownFunction(name);
  }
  return found;
}

function unknownFunction(name: string): ApiFault {
  const arn = arnOf('lambda', `function:${name}`);
  return new ApiFault('ResourceNotFoundException', 404, `Function not found: ${arn}`, { Type: 'User' });
}

function configuration(summary: FunctionSummary): WireObject {
  return {
    FunctionName: summary.name,
    FunctionArn: arnOf('lambda', `function:${summary.name}`),
    Runtime: summary.runtime,
    Handler: summary.handler,
    MemorySize: summary.memoryMb,
    Timeout: summary.timeoutS,
    Environment: { Variables: summary.environment ?? {} },
    Version: '$LATEST',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
  };
}
