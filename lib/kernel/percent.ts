import { HalError } from './errors.ts';

/** Shares of traffic are whole thousandths of a percent: 0 is nobody, 100,000 is everybody. */
export const everybodyThousandths = 100_000;

const percentText = /^(\d{1,3})(?:\.(\d{1,3}))?$/;

/**
 * Reads what an operator wrote (`12.5`, `12.5%`, or a number) as thousandths of a percent, without rounding.
 * Throws a HalError `PercentInvalid` for anything below 0, above 100, finer than 0.001, or that is no number.
 */
export function parsePercent(given: string | number): number {
  const text = String(given).trim();
  const match = percentText.exec(text.endsWith('%') ? text.slice(0, -1).trimEnd() : text);
  if (match === null) throw percentInvalid(given, reasonAgainst(text));
  const thousandths = Number(match[1]) * 1000 + Number((match[2] ?? '').padEnd(3, '0'));
  if (thousandths > everybodyThousandths) throw percentInvalid(given, 'it is above 100');
  return thousandths;
}

/** `12500` as `12.5`, the form that `parsePercent` reads. */
export function formatPercent(thousandths: number): string {
  return String(thousandths / 1000);
}

function reasonAgainst(text: string): string {
  const value = Number(text.replace(/%$/, ''));
  if (text === '' || !Number.isFinite(value)) return 'it is not a number';
  if (value < 0 || Object.is(value, -0)) return 'it is below 0';
  if (value > 100) return 'it is above 100';
  return /^\d+\.\d+$/.test(text.replace(/%$/, ''))
    ? 'it is finer than 0.001'
    : 'it is not written as plain digits';
}

function percentInvalid(given: string | number, reason: string): HalError {
  return new HalError({
    name: 'PercentInvalid',
    message: `The percentage "${given}" cannot be used: ${reason}.`,
    remedy: 'Give a number from 0 to 100 with at most three decimals, for example 12.5.',
    exit: 'usage',
    facts: { given: String(given), reason },
  });
}
