import type { EngineFault, FunctionHost } from './ports.ts';
import { realSleep } from './virtual-clock.ts';

const attempts = 3;
const pauseMs = 1000;

/** An asynchronous invocation: tried three times like Lambda does, then reported. Never rejects. */
export async function invokeAsync(
  call: { readonly functions: FunctionHost; readonly functionName: string; readonly payload: unknown },
  report: { readonly engine: string; readonly onFault: (fault: EngineFault) => void },
): Promise<void> {
  let problem = '';
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    problem = await invokeOnce(call);
    if (problem === '') {
      return;
    }
    await realSleep(attempt < attempts ? pauseMs * attempt : 0);
  }
  report.onFault({
    engine: report.engine,
    message: `${call.functionName} failed ${attempts} times: ${problem}`,
  });
}

async function invokeOnce(call: {
  readonly functions: FunctionHost;
  readonly functionName: string;
  readonly payload: unknown;
}): Promise<string> {
  try {
    const answer = await call.functions.invoke(call.functionName, call.payload);
    switch (answer.kind) {
      case 'returned':
        return '';
      case 'missing':
        return 'there is no such function';
      case 'failed':
      default:
        return `${answer.errorType}: ${answer.errorMessage}`;
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
