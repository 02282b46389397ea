import { rmSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

import type { EngineFault, EngineOptions, Engines, InvokeAnswer } from '../../../local/engines/ports.ts';
import { startEngines } from '../../../local/engines/start-engines.ts';

type Answer = (payload: unknown) => InvokeAnswer | Promise<InvokeAnswer>;

export interface RunningEngines extends Engines {
  /** Every invocation so far, oldest first. */
  readonly invocations: { readonly name: string; readonly payload: unknown }[];
  readonly faults: EngineFault[];
}

const started: Engines[] = [];
const directories: string[] = [];

/** Engines of their own for one test; every SDK client made afterwards finds them through the environment. */
export async function runEngines(
  functions: Readonly<Record<string, Answer>> = {},
  options: Partial<EngineOptions> = {},
): Promise<RunningEngines> {
  const invocations: RunningEngines['invocations'] = [];
  const faults: EngineFault[] = [];
  const engines = await startEngines({
    functions: {
      async invoke(name, payload) {
        invocations.push({ name, payload });
        return (await functions[name]?.(payload)) ?? { kind: 'missing' };
      },
      list: () =>
        Object.keys(functions).map((name) => ({
          name,
          runtime: 'nodejs24.x',
          handler: 'index.handler',
          memoryMb: 256,
          timeoutS: 60,
        })),
    },
    onFault: (fault) => faults.push(fault),
    ...options,
  });
  started.push(engines);
  Object.assign(process.env, engines.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  return Object.assign(engines, { invocations, faults });
}

export function temporaryFile(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'engines-'));
  directories.push(directory);
  return join(directory, name);
}

/** A function that answers with what it was given. */
export const echo: Answer = (payload) => ({ kind: 'returned', payload });

afterEach(async () => {
  await Promise.all(started.splice(0).map((engines) => engines.close()));
  for (const directory of directories.splice(0)) {
    rmSync(directory, { recursive: true });
  }
});
