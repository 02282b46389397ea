import { expect, test } from 'vitest';

import { knownFaults, withKnownFaults } from '../../cli/function-faults.ts';
import { serviceFault } from '../../cli/service-faults.ts';
import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import { sourceErrors } from '../docs/source-errors.ts';

function failing(errorType: string): Promise<unknown> {
  const failed = new HalError({
    name: 'FunctionFailed',
    message: `The function prepare-source failed: ${errorType}: it is so`,
    remedy: 'See the log of the function prepare-source.',
    facts: { folder: 'prepare-source', errorType, errorMessage: 'it is so' },
  });
  return withKnownFaults({ invoke: () => Promise.reject(failed) }).invoke('prepare-source', {});
}

test.each(Object.entries(knownFaults))(
  '%s keeps name, message and exit code',
  async (name, { exit, remedy }) => {
    const made = sourceErrors().filter((error) => error.name === name);

    expect(made.map((error) => error.exit)).toContain(exitCodes[exit]);
    await expect(failing(name)).rejects.toMatchObject({ name, message: 'it is so', exit, remedy });
  },
);

test('any other failure of a function stays one', async () => {
  await expect(failing('TypeError')).rejects.toMatchObject({ name: 'FunctionFailed', exit: 'failed' });
});

test.each([
  ['AccessDeniedException', undefined, 'NotAllowed', 'unauthorized'],
  ['CredentialsProviderError', undefined, 'NotAllowed', 'unauthorized'],
  ['TimeoutError', undefined, 'EndpointUnreachable', 'unavailable'],
  ['Error', 'ECONNREFUSED', 'EndpointUnreachable', 'unavailable'],
])('%s (%s) of a service is %s', (name, code, expected, exit) => {
  const error = Object.assign(new Error('why'), { name, code });

  expect(serviceFault(error)).toMatchObject({ name: expected, exit });
});

test('a bug is no fault of a service', () => {
  const bug = new TypeError('x is not a function');

  expect(serviceFault(bug)).toBe(bug);
});
