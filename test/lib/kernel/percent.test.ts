import fc from 'fast-check';
import { expect, test } from 'vitest';

import { HalError } from '../../../lib/kernel/errors.ts';
import { formatPercent, parsePercent } from '../../../lib/kernel/percent.ts';

test.each([
  ['0', 0],
  ['100', 100_000],
  ['12.5', 12_500],
  ['12.5%', 12_500],
  [' 0.001 ', 1],
  ['099.999', 99_999],
  [35, 35_000],
  [0.3, 300],
])('reads %j as %i thousandths', (given, thousandths) => {
  expect(parsePercent(given)).toBe(thousandths);
});

test.each([
  [-1, 'it is below 0'],
  ['-1', 'it is below 0'],
  [-0.5, 'it is below 0'],
  [101, 'it is above 100'],
  ['100.001', 'it is above 100'],
  [Number.NaN, 'it is not a number'],
  ['NaN', 'it is not a number'],
  [Number.POSITIVE_INFINITY, 'it is not a number'],
  ['', 'it is not a number'],
  ['many', 'it is not a number'],
  ['1.2345', 'it is finer than 0.001'],
  ['1e1', 'it is not written as plain digits'],
  ['0x10', 'it is not written as plain digits'],
])('refuses %j and says that %s', (given, reason) => {
  const fault = catchFault(() => parsePercent(given));

  expect(fault).toBeInstanceOf(HalError);
  expect(fault).toMatchObject({
    name: 'PercentInvalid',
    exit: 'usage',
    facts: { given: String(given), reason },
  });
  expect(fault.message).toContain(`"${String(given)}"`);
  expect(fault.remedy).toContain('0 to 100');
});

test('reads back every share that it writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (thousandths) => {
      expect(parsePercent(formatPercent(thousandths))).toBe(thousandths);
    }),
  );
});

function catchFault(work: () => unknown): HalError {
  try {
    work();
  } catch (fault) {
    return fault as HalError;
  }
  throw new Error('nothing was thrown');
}
