import type { Gateway } from '../../lib/gateway/outcome.ts';
import { HalError } from '../../lib/kernel/errors.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { keyOfPk } from '../../lib/migration/key.ts';
import { tableOf } from '../../lib/migration/table-lookup.ts';
import { presentRow } from '../hal9/api-row.ts';
import type { Observed } from './history.ts';
import { observeRow } from './token.ts';

/**
 * The state that users would see now, read from whichever store owns it; for a gateway that no service uses, so that
 * nothing a service remembers or invents is in it. Throws `StateUnavailable` while authority is moving.
 */
export function makeFinalStateReader(
  gateway: Gateway,
  definition: MigrationDefinition,
): (pk: string) => Promise<Observed> {
  return async (pk) => {
    const key = keyOfPk(pk);
    const table = tableOf(definition, key.recordType);
    const outcome = await gateway.read(key);
    if (outcome.kind === 'read') {
      return observeRow(table, outcome.row === null ? null : presentRow(table, outcome.row));
    }
    throw new HalError({
      name: 'StateUnavailable',
      message: `the final state of ${pk} cannot be read while authority over ${table.category} is moving`,
      remedy: 'let the switch of authority finish, then check the history again',
      exit: 'unavailable',
    });
  };
}
