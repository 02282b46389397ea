import { HalError } from '../lib/kernel/errors.ts';

/** How AWS names a caller that it does not know, or does not let in. */
const refusals: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'UnrecognizedClientException',
]);

const disconnections: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Faults of the services behind the CLI that an operator can act on; anything else is returned as it is. */
export function serviceFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof HalError) return error;
  if (refusals.has(error.name)) return notAllowed(error);
  const { code } = error as NodeJS.ErrnoException;
  if (error.name === 'TimeoutError' || disconnections.has(code ?? '')) return unreachable(error);
  return error;
}

function notAllowed(error: Error): HalError {
  return new HalError({
    name: 'NotAllowed',
    message: `AWS refused: ${error.message} (${error.name}).`,
    remedy:
      'Renew the credentials (`aws sts get-caller-identity` tells whose they are), or ask for the right.',
    exit: 'unauthorized',
    facts: { service: error.name },
    cause: error,
  });
}

function unreachable(error: Error): HalError {
  const reason = error.message === '' ? String((error as NodeJS.ErrnoException).code) : error.message;
  return new HalError({
    name: 'EndpointUnreachable',
    message: `An endpoint does not answer: ${reason}.`,
    remedy:
      'See whether the local cloud still runs with `hal9-migrate local status`, start it again, and repeat the command: it goes on where it was.',
    exit: 'unavailable',
    facts: { reason },
    cause: error,
  });
}
