import type { StateDescription } from '../../lib/migration/state-description.ts';
import { readStateStatus, type StateStatusDeps } from '../../lib/migration/state-status.ts';

/** Where every category stands: authority, copy, relay, reverse path, quarantine. Reads only. */
export function makeHandler(deps: StateStatusDeps): () => Promise<StateDescription> {
  return async () => {
    const changeLogInstalled = await deps.source.isChangeLogInstalled();
    return { changeLogInstalled, categories: changeLogInstalled ? await readStateStatus(deps) : [] };
  };
}
