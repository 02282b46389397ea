import { functionNameOf } from '../../engines/arns.ts';
import type { FunctionHost } from '../../engines/ports.ts';
import type { FunctionSpec } from './function-spec.ts';
import type { InvocationResult } from './invocation.ts';
import { makeSandboxPool } from './sandbox-pool.ts';
import type { SandboxPool } from './sandbox-pool.ts';

/** Every function of the local cloud. Functions are named by name, ARN, or ARN with version or alias. */
export interface LambdaRuntime {
  register(spec: FunctionSpec): void;
  /** Request and response; null when there is no such function. `payload` is JSON text. Never rejects. */
  invoke(nameOrArn: string, payload: string): Promise<InvocationResult | null>;
  /** The same runtime as the engines see it. */
  readonly host: FunctionHost;
  /** Starts a sandbox of the function ahead of its first invocation. */
  warm(nameOrArn: string): void;
  /** Chaos: ends every sandbox of the function in the middle of what it does. Returns how many there were. */
  kill(nameOrArn: string): Promise<number>;
  stop(): Promise<void>;
}

/** `lineWriter` gives the sink of one function's log lines. */
export function makeLambdaRuntime(deps: {
  lineWriter(functionName: string): (line: string) => void;
}): LambdaRuntime {
  const pools = new Map<string, SandboxPool>();
  const find = (nameOrArn: string): SandboxPool | undefined => pools.get(functionNameOf(nameOrArn));
  const invoke = async (nameOrArn: string, payload: string): Promise<InvocationResult | null> =>
    (await find(nameOrArn)?.invoke(payload)) ?? null;

  return {
    register(spec) {
      pools.set(spec.name, makeSandboxPool(spec, deps.lineWriter(spec.name)));
    },
    invoke,
    host: {
      async invoke(functionName, payload) {
        const result = await invoke(functionName, JSON.stringify(payload) ?? 'null');
        if (result === null) return { kind: 'missing' };
        if (result.kind === 'failed') return { kind: 'failed', ...result.fault };
        return { kind: 'returned', payload: JSON.parse(result.payload) as unknown };
      },
      list: () =>
        [...pools.values()].map(({ spec }) => ({
          name: spec.name,
          runtime: 'nodejs24.x',
          handler: `index.${spec.exportName}`,
          memoryMb: spec.memoryMb,
          timeoutS: spec.timeoutMs / 1_000,
          environment: spec.env,
        })),
    },
    warm: (nameOrArn) => find(nameOrArn)?.warm(),
    async kill(nameOrArn) {
      return (await find(nameOrArn)?.kill('killed on purpose')) ?? 0;
    },
    async stop() {
      await Promise.all([...pools.values()].map((pool) => pool.stop()));
    },
  };
}
