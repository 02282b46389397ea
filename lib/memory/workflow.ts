import type { ExecutionState, Workflow } from '../orchestrator/ports.ts';

/** A workflow that only remembers what was started; a test walks the steps by itself. */
export function makeMemoryWorkflow(): Workflow & {
  readonly started: ReadonlyMap<string, unknown>;
  end(name: string): void;
} {
  const started = new Map<string, unknown>();
  const ended = new Set<string>();
  return {
    started,
    end: (name) => ended.add(name),
    start: async (name, input) => {
      if (!started.has(name)) started.set(name, input);
    },
    state: async (name): Promise<ExecutionState> => {
      if (!started.has(name)) return 'unknown';
      return ended.has(name) ? 'ended' : 'running';
    },
  };
}
