import { isOutcomeUnknown } from '../aws/faults.ts';
import { HalError } from '../kernel/errors.ts';

const denials = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'CredentialsProviderError',
]);

/** What a person may do about a store that does not answer, or does not let us in; else the fault as it is. */
export function explainFault(fault: unknown, place: string): unknown {
  if (!(fault instanceof Error)) return fault;
  if (denials.has(fault.name)) {
    return new HalError({
      name: 'SourceAccessDenied',
      message: `The flat store ${place} lets nobody in with these credentials: ${fault.message}`,
      remedy: 'Use credentials that may describe and read the tables; the functions have roles of their own.',
      exit: 'unauthorized',
      facts: { place },
      cause: fault,
    });
  }
  if (!isOutcomeUnknown(fault) && (fault as { code?: string }).code !== 'ENOTFOUND') return fault;
  return new HalError({
    name: 'SourceUnreachable',
    message: `The flat store ${place} does not answer: ${fault.message || fault.name}.`,
    remedy: 'Check the endpoint and the network, then run the command again.',
    exit: 'unavailable',
    facts: { place },
    cause: fault,
  });
}
