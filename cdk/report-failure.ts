import { exitCodes, HalError } from '../lib/kernel/errors.ts';

/** An operator's fault in two lines, anything else with its stack. */
export function reportAndExit(error: unknown): never {
  if (error instanceof HalError) {
    process.stderr.write(`Error: ${error.message}\nRemedy: ${error.remedy}\n`);
    process.exit(exitCodes[error.exit]);
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(exitCodes.failed);
}
