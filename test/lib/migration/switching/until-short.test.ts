import { describe, expect, it } from 'vitest';

import { untilShort } from '../../../../lib/migration/switching/until-short.ts';

async function roundsOf(durationsMs: readonly number[]): Promise<number> {
  let nowMs = 0;
  let rounds = 0;
  await untilShort({ nowMs: () => nowMs }, () => {
    nowMs += durationsMs[rounds] ?? durationsMs.at(-1) ?? 0;
    rounds += 1;
    return Promise.resolve();
  });
  return rounds;
}

describe('what is done before the fence', () => {
  it('is done once when that is short', async () => {
    expect(await roundsOf([150])).toBe(1);
  });

  it('is repeated while each round leaves less for the next', async () => {
    expect(await roundsOf([50_000, 9_000, 1_500, 180])).toBe(4);
  });

  it('ends when a round was no shorter, since writers are as fast as it is', async () => {
    expect(await roundsOf([900, 1_000])).toBe(2);
  });

  it('ends after some rounds in any case', async () => {
    expect(await roundsOf(Array.from({ length: 50 }, (_, at) => 100_000 - at))).toBe(8);
  });
});
