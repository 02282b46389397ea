import { createInterface } from 'node:readline/promises';

import { HalError } from '../lib/kernel/errors.ts';
import type { Connection } from './connection.ts';

/**
 * Asks before something changes in an AWS account; the local cloud is there to be changed. Rollback never asks.
 * Throws ConfirmationNeeded without a terminal, and Declined on a no.
 */
export async function confirm(
  connection: Connection,
  options: { readonly yes: boolean },
  what: string,
): Promise<void> {
  if (connection.kind === 'local' || options.yes) return;
  if (!process.stdin.isTTY) {
    throw new HalError({
      name: 'ConfirmationNeeded',
      message: `This would ${what} (${connection.region}), and there is no terminal to ask at.`,
      remedy: 'Add --yes.',
      exit: 'usage',
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`This will ${what} (${connection.region}). Go on? [y/N] `);
  prompt.close();
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new HalError({
    name: 'Declined',
    message: 'Nothing was changed.',
    remedy: 'Answer y, or add --yes.',
    exit: 'usage',
  });
}
