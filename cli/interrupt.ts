import { HalError } from '../lib/kernel/errors.ts';

/** What goes on after Ctrl-C, and how it is ended. */
export interface GoesOn {
  readonly what: string;
  readonly watch: string;
  readonly stop: string;
}

/**
 * Runs what only watches. On Ctrl-C it throws HalError `Interrupted` at once, which says that the work itself goes on
 * and how to stop it; the signal ends the watching.
 */
export async function untilInterrupted<Result>(
  goesOn: GoesOn,
  watch: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stopped = new AbortController();
  const interrupted = Promise.withResolvers<never>();
  const onSignal = (): void => {
    stopped.abort();
    interrupted.reject(interruptedFault(goesOn));
  };
  process.once('SIGINT', onSignal);
  try {
    return await Promise.race([watch(stopped.signal), interrupted.promise]);
  } finally {
    process.removeListener('SIGINT', onSignal);
  }
}

function interruptedFault({ what, watch, stop }: GoesOn): HalError {
  return new HalError({
    name: 'Interrupted',
    message: `${what} goes on without this command.`,
    remedy: `Stop it with \`${stop}\`; watch it with \`${watch}\`.`,
    exit: 'interrupted',
  });
}

/**
 * Runs what ends with this command. On Ctrl-C the signal is aborted and the work ends itself, tidies up and throws the
 * signal's reason, a HalError `Interrupted`.
 */
export async function endedByInterrupt<Result>(
  fault: { readonly message: string; readonly remedy: string },
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stopped = new AbortController();
  const onSignal = (): void => {
    stopped.abort(new HalError({ name: 'Interrupted', ...fault, exit: 'interrupted' }));
  };
  process.once('SIGINT', onSignal);
  try {
    return await work(stopped.signal);
  } finally {
    process.removeListener('SIGINT', onSignal);
  }
}
