import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { verifyChain, type AuditRecord } from '../../../lib/audit/record.ts';
import { makeMemoryAuditLog } from '../../../lib/memory/audit-log.ts';

async function chainOf(length: number): Promise<AuditRecord[]> {
  const log = makeMemoryAuditLog();
  for (let index = 0; index < length; index += 1) {
    await log.append({ atMs: index, principal: 'operator:ann', action: 'enter-step', facts: { index } });
  }
  return [...(await log.list(0, length))];
}

test('a chain is sound as it was written', async () => {
  expect(verifyChain(await chainOf(5))).toEqual({ kind: 'sound', length: 5 });
});

test('a record that was changed, left out or moved breaks the chain', async () => {
  const chain = await chainOf(8);

  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 6 }),
      fc.constantFrom('change', 'drop', 'swap'),
      (index, damage) => {
        const damaged = chain.map((record) => ({ ...record }));
        const record = damaged[index]!;
        if (damage === 'change') damaged[index] = { ...record, facts: { index: -1 } };
        if (damage === 'drop') damaged.splice(index, 1);
        if (damage === 'swap') [damaged[index], damaged[index + 1]] = [damaged[index + 1]!, record];

        expect(verifyChain(damaged).kind).toBe('broken');
      },
    ),
  );
});
