import { HalError } from '../lib/kernel/errors.ts';
import type { FunctionInvoker } from '../lib/orchestrator/function-invoker.ts';
import type { KnownFaults } from './known-faults/known-fault.ts';
import { sourceFaults } from './known-faults/sources.ts';
import { stateFaults } from './known-faults/state.ts';
import { switchFaults } from './known-faults/switches.ts';

/** Faults that reach the CLI through a function, which hands on only their names and messages. */
export const knownFaults: KnownFaults = { ...sourceFaults, ...stateFaults, ...switchFaults };

/** The same invoker, whose failures are the faults that the functions met. */
export function withKnownFaults(invoker: FunctionInvoker): FunctionInvoker {
  return {
    async invoke(folder, payload) {
      try {
        return await invoker.invoke(folder, payload);
      } catch (error) {
        throw originalFault(error);
      }
    },
  };
}

function originalFault(error: unknown): unknown {
  if (!(error instanceof HalError) || error.name !== 'FunctionFailed') return error;
  const { errorType, errorMessage } = error.facts;
  const known = knownFaults[String(errorType)];
  if (known === undefined) return error;
  const name = String(errorType);
  return new HalError({ name, message: String(errorMessage), ...known, facts: error.facts, cause: error });
}
