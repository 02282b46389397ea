import { readStateDescription, type StateDescriptionDeps } from '../../lib/migration/read-description.ts';
import type { StateDescription } from '../../lib/migration/state-description.ts';

/** Where every category stands, and what the workers do: authority, copy, relay, reverse path, quarantine. Reads only. */
export function makeHandler(deps: StateDescriptionDeps): () => Promise<StateDescription> {
  return () => readStateDescription(deps);
}
